package trace_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"switchyard/internal/bpf"
	"switchyard/trace"
)

// A sum adds changes up.
type sum struct {
	voluntary, involuntary, wakeups, byInterrupt, migrations, loads uint64
	kernelVoluntary, forks, execs, exits, faults                    uint64
	onCPU, runQueue, blocked, life, cpu                             time.Duration
}

func (s *sum) add(o *trace.Totals) {
	s.voluntary += o.Switches.Voluntary
	s.involuntary += o.Switches.Involuntary
	s.wakeups += o.Wakeups
	s.byInterrupt += o.WakeupsByInterrupt
	s.migrations += o.Migrations.Total
	s.loads += o.Switches.AddressSpace
	s.kernelVoluntary += o.KernelVoluntary
	s.forks += o.Forks
	s.execs += o.Execs
	s.exits += o.Exits
	s.faults += o.PageFaults
	s.onCPU += o.OnCPU
	s.runQueue += o.RunQueue
	s.blocked += o.Blocked
	s.life += o.Life
	s.cpu += o.CPU
}

func sumOf(o *trace.Totals) (s sum) {
	s.add(o)
	return s
}

// viewer adds up the changes of a window, as a live view does.
type viewer struct {
	last  *trace.Counts
	tasks map[uint64]*sum  // by ID
	rows  map[uint64]sum   // the last of each
	names map[uint64][]int // TIDs
	gone  map[uint64]bool
	all   sum
	rest  sum
}

func newViewer() *viewer {
	return &viewer{tasks: map[uint64]*sum{}, rows: map[uint64]sum{}, names: map[uint64][]int{},
		gone: map[uint64]bool{}}
}

// see takes a reading, or what Stop returned.
func (v *viewer) see(t *testing.T, c *trace.Counts, most int) {
	t.Helper()
	balanced(t, c)
	if len(c.Tasks) > most {
		t.Errorf("%d rows, not at most %d", len(c.Tasks), most)
	}
	d := c.Since(v.last)
	if len(d.Tasks) != len(c.Tasks) {
		t.Errorf("%d tasks in the change, and %d in the reading", len(d.Tasks), len(c.Tasks))
	}
	here := sumOf(&d.Others)
	for i := range d.Tasks {
		r := &d.Tasks[i]
		if v.gone[r.ID] {
			t.Errorf("%s (%d) is in a reading after its last one", r.Name, r.TID)
		}
		v.gone[r.ID] = r.Exits > 0
		if v.tasks[r.ID] == nil {
			v.tasks[r.ID] = new(sum)
		}
		v.tasks[r.ID].add(&r.Totals)
		here.add(&r.Totals)
		if !slices.Contains(v.names[r.ID], r.TID) {
			v.names[r.ID] = append(v.names[r.ID], r.TID)
		}
	}
	for i := range c.Tasks {
		v.rows[c.Tasks[i].ID] = sumOf(&c.Tasks[i].Totals)
	}
	if want := sumOf(&d.Total); here != want {
		t.Errorf("the tasks of a change, added up:\n%+v\nits total:\n%+v", here, want)
	}
	v.all.add(&d.Total)
	v.rest.add(&d.Others)
	v.last = c
}

// balance compares what was seen with what the window had in the end.
func (v *viewer) balance(t *testing.T, end *trace.Counts) {
	t.Helper()
	if want := sumOf(&end.Total); v.all != want {
		t.Errorf("all changes, added up:\n%+v\nthe window:\n%+v", v.all, want)
	}
	for id, got := range v.tasks {
		if want := v.rows[id]; *got != want {
			t.Errorf("task %v, its changes added up:\n%+v\nits last row:\n%+v", v.names[id], *got,
				want)
		}
	}
}

// watched reads s all the time until do is over, and stops it.
func watched(t *testing.T, s *trace.Session, most int, do func()) (*viewer, *trace.Counts) {
	t.Helper()
	done := make(chan bool)
	go func() {
		defer close(done)
		do()
	}()
	v, readings, busy := newViewer(), 0, 0
	for going := true; going; {
		select {
		case <-done:
			going = false
		default:
		}
		c, err := s.Read()
		if errors.Is(err, trace.ErrBusy) {
			busy++ // the next has all
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		v.see(t, c, most)
		readings++
	}
	c, err := s.Stop()
	if err != nil {
		t.Fatal(err)
	}
	sound(t, c)
	v.see(t, c, most)
	v.balance(t, c)
	t.Logf("%d readings, %d times too busy", readings, busy)
	return v, c
}

// TestReadTasks reads while processes begin and end all the time: what the readings have of each,
// added up, is what it did, and what a second session that is read once, at its end, has of it.
func TestReadTasks(t *testing.T) {
	const spawned = 101
	s, whole := session(t, trace.Options{}), session(t, trace.Options{})
	h := start(t, "worker")
	for _, s := range []*trace.Session{whole, s} {
		if err := s.Follow(h.pid()); err != nil {
			t.Fatal(err)
		}
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
	}
	v, c := watched(t, s, 1024, func() { h.do(t, "spawn", spawned) })
	w, err := whole.Stop()
	if err != nil {
		t.Fatal(err)
	}
	sound(t, w)
	exactly(t, "forks", c.Total.Forks, spawned)
	if v.rest != (sum{}) {
		t.Errorf("changes of other tasks, where each has a row: %+v", v.rest)
	}
	var got, want []string
	ended := func(tid int, s *sum) string {
		return fmt.Sprint(tid, s.voluntary, s.involuntary, s.migrations, s.execs, s.exits)
	}
	for id, s := range v.tasks {
		if s.exits > 0 {
			got = append(got, ended(v.names[id][0], s))
		}
	}
	for i := range w.Tasks {
		if s := sumOf(&w.Tasks[i].Totals); s.exits > 0 {
			want = append(want, ended(w.Tasks[i].TID, &s))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("ended tasks, of the readings:\n%v\nof a session that was read once:\n%v", got,
			want)
	}
	exactly(t, "ended tasks", uint64(len(got)), spawned)
}

// TestReadPlaces: a reading makes room for tasks that come, so that a window in which more begin
// than there is room for has a row for each.
func TestReadPlaces(t *testing.T) {
	const most, spawned = 30, 8 * 13
	s := session(t, trace.Options{MaxTasks: most})
	h := start(t, "worker")
	if err := s.Follow(h.pid()); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	v := newViewer()
	for range 8 {
		h.do(t, "spawn", 13)
		v.see(t, reading(t, s), most)
	}
	c, err := s.Stop()
	if err != nil {
		t.Fatal(err)
	}
	sound(t, c)
	v.see(t, c, most)
	v.balance(t, c)
	if v.rest != (sum{}) {
		t.Errorf("changes of other tasks, where each has a row: %+v", v.rest)
	}
	exactly(t, "rows", uint64(len(v.tasks)), c.Started+spawned+c.Total.Threads)
	exactly(t, "tasks that had no row at the end", c.OtherTasks, spawned)

	// The next window has them all again.
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	h.do(t, "spawn", 13)
	if c, err = s.Stop(); err != nil {
		t.Fatal(err)
	}
	sound(t, c)
	exactly(t, "tasks without a row", c.OtherTasks, 0)
}

// TestReadOthers reads while more tasks begin than there is room for.
func TestReadOthers(t *testing.T) {
	s := session(t, trace.Options{MaxTasks: 3})
	h := start(t, "worker")
	if err := s.Follow(h.pid()); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	most := 3
	if can, err := bpf.Ask(); err != nil {
		t.Fatal(err)
	} else if !can.Atomics || strings.Contains(os.Getenv("SWITCHYARD_TEST_LACKING"), "atomics") {
		most = 1 << 14 // those that live have a row each
	}
	_, c := watched(t, s, most, func() { h.do(t, "spawn", 53) })
	exactly(t, "forks", c.Total.Forks, 53)
}

// TestReadRenumbered: a task that exec gives another's number is the same one.
func TestReadRenumbered(t *testing.T) {
	s := session(t, trace.Options{})
	h := start(t, "worker")
	if err := s.Follow(h.pid()); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	v, _ := watched(t, s, 1024, func() { h.do(t, "exec") })
	renumbered := 0
	for _, tids := range v.names {
		renumbered += len(tids) - 1
	}
	t.Logf("%d tasks were read under two numbers", renumbered)
}
