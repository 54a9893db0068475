package trace_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"switchyard/trace"
	"switchyard/trace/event"
	"switchyard/trace/spool"
)

// recorder opens one that is closed with the test.
func recorder(t testing.TB, opts trace.RecordOptions) *trace.Recorder {
	t.Helper()
	r, err := trace.OpenRecorder(opts)
	return opened(t, r, err)
}

// A tape is a recording, read.
type tape struct {
	*spool.Recording
	events []event.Event
	cost   spool.Cost
}

// record records for as long as f takes.
func record(t testing.TB, r *trace.Recorder, f func()) *tape {
	t.Helper()
	file := spoolFile(t)
	if err := r.Start(file); err != nil {
		t.Fatal(err)
	}
	f()
	cost, err := r.Stop()
	if err != nil {
		t.Fatal(err)
	}
	p := play(t, file.Name())
	p.cost = cost
	if cut := p.Cut(); cut != "" {
		t.Error(cut)
	}
	return p
}

// spoolFile is an empty file for a recorder.
func spoolFile(t testing.TB) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "spool"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// play reads a spool.
func play(t testing.TB, path string) *tape {
	t.Helper()
	r, err := spool.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	p := &tape{Recording: r}
	last := int64(0)
	err = r.Events(func(e *event.Event) error {
		if e.Time < last {
			t.Errorf("event at %d after one at %d", e.Time, last)
		}
		last = e.Time
		p.events = append(p.events, *e)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// count returns how many events there are of a kind that f accepts.
func (p *tape) count(kind event.Kind, f func(*event.Event) bool) (n uint64) {
	for i := range p.events {
		if e := &p.events[i]; e.Kind == kind && f(e) {
			n++
		}
	}
	return n
}

// id returns the task of a name that switched most often: one of an earlier test may not be freed
// yet.
func (p *tape) id(t testing.TB, name string) event.TaskID {
	t.Helper()
	switches := make(map[event.TaskID]int)
	best := event.NoTask
	for i := range p.events {
		if e := &p.events[i]; e.Kind == event.Switch && e.Task >= 0 &&
			p.Tasks()[e.Task].Name == name {
			switches[e.Task]++
			if switches[e.Task] > switches[best] {
				best = e.Task
			}
		}
	}
	if best == event.NoTask {
		t.Fatalf("no task %s among %d", name, len(p.Tasks()))
	}
	return best
}

func TestRecordPingPong(t *testing.T) {
	for _, all := range []bool{false, true} {
		for _, rounds := range []uint64{23, 1009} {
			t.Run(fmt.Sprintf("all=%v/%d", all, rounds), func(t *testing.T) {
				out := func(id event.TaskID, voluntary bool) func(e *event.Event) bool {
					return func(e *event.Event) bool {
						return e.Task == id && e.Flags&event.FlagVoluntary != 0 == voluntary
					}
				}
				r := recorder(t, trace.RecordOptions{All: all})
				h := start(t, "ping", fmt.Sprint(rounds))
				if !all {
					if err := r.Follow(h.pid()); err != nil {
						t.Fatal(err)
					}
				}
				p := record(t, r, func() { h.do(t, "") })
				ping, pong := p.id(t, "ping"), p.id(t, "pong")
				// Ping has next to nothing to do before it blocks, but a task of a higher rank may
				// come just then: ping gives way to it, or blocks when pong is not the first in the
				// queue.
				strangers := p.count(event.Switch, func(e *event.Event) bool {
					return e.Task == ping && e.Other != pong && !e.Other.Idle()
				})
				woken := func(id event.TaskID) func(e *event.Event) bool {
					return func(e *event.Event) bool { return e.Task == id }
				}
				exactly(t, "ping's voluntary switches", p.count(event.Switch, out(ping, true)),
					rounds+1)
				exactly(t, "pong's voluntary switches", p.count(event.Switch, out(pong, true)),
					rounds)
				exactly(t, "ping's involuntary switches to pong, or to nobody",
					p.count(event.Switch, func(e *event.Event) bool {
						return out(ping, false)(e) && (e.Other == pong || e.Other.Idle())
					}), 0)
				exactly(t, "pong's wakings", p.count(event.Waking, woken(pong)), rounds)
				toPong := func(e *event.Event) bool { return e.Task == ping && e.Other == pong }
				n := p.count(event.Switch, toPong)
				exactly(t, "switches from ping to pong that change the page table",
					p.count(event.Switch, func(e *event.Event) bool {
						return toPong(e) && e.Flags.PageTable() == event.AddressSpace
					}), n)
				if n > rounds || n+strangers < rounds {
					t.Errorf("%d switches from ping to pong and %d to strangers, want %d", n,
						strangers, rounds)
				}
				exactly(t, "pong's wakings by ping",
					p.count(event.Waking, func(e *event.Event) bool {
						return e.Task == pong && e.Other == ping && !e.Flags.Interrupt()
					}), rounds)
				if len(p.Lost()) > 0 || p.cost.Lost > 0 {
					t.Errorf("lost: %v", p.Lost())
				}
				t.Logf("%+v, %d tasks", p.cost, len(p.Tasks()))
				for i := range p.events {
					// Who came in between, for whoever reads a failure.
					e := &p.events[i]
					if t.Failed() && e.Kind == event.Switch && (e.Task == ping && e.Other != pong ||
						e.Task == pong && e.Other != ping || toPong(e) && e.State == 0) {
						t.Logf("%+v", *e)
					}
				}
			})
		}
	}
}

// Of each task that ends the kernel's books are read at its last switch, and are those of that
// switch.
func TestRecordLastSwitch(t *testing.T) {
	r := recorder(t, trace.RecordOptions{})
	h := start(t, "worker")
	if err := r.Follow(h.pid()); err != nil {
		t.Fatal(err)
	}
	p := record(t, r, func() { h.do(t, "spawn", 23) })
	books := make(map[event.TaskID]event.Snapshot)
	for _, s := range p.Last() {
		if _, ok := books[s.Task]; ok {
			t.Errorf("two last switches of %+v", p.Tasks()[s.Task])
		}
		books[s.Task] = s
	}
	kept := slices.ContainsFunc(p.Opened(), func(s event.Snapshot) bool { return s.HasRunDelay })
	ended := 0
	for i := range p.events {
		e := &p.events[i]
		if e.Kind != event.Switch || e.Flags&event.FlagTaskTraced == 0 ||
			e.State&event.StateDead == 0 {
			continue
		}
		ended++
		s, ok := books[e.Task]
		if !ok || s.Time != e.Time || s.CPU != e.CPU || s.Activity != event.OnCPU ||
			uint16(s.NVCSW) != e.NVCSW || uint16(s.NIVCSW) != e.NIVCSW ||
			uint32(s.Exec) != uint32(e.Value) || s.HasRunDelay != kept {
			t.Errorf("%+v, at its last switch %+v", s, *e)
		}
	}
	if ended < 23 || len(books) != ended {
		t.Errorf("%d last switches, and books of %d, want 23 at least", ended, len(books))
	}
}

// A ring that nobody empties loses events; how many, when and on which CPU is known, and so is all
// the rest.
func TestRecordLost(t *testing.T) {
	r := recorder(t, trace.RecordOptions{Buffer: 16 << 10})
	a, b := start(t, "ping", "1009"), start(t, "ping", "23")
	for _, h := range []*helper{a, b} {
		if err := r.Follow(h.pid()); err != nil {
			t.Fatal(err)
		}
	}
	p := record(t, r, func() {
		if err := r.Stall(func() { a.do(t, "") }); err != nil {
			t.Fatal(err)
		}
		b.do(t, "")
	})
	var lost uint64
	for _, l := range p.Lost() {
		if l.First > l.Last || l.Count == 0 {
			t.Errorf("impossible: %+v", l)
		}
		lost += l.Count
		if n := p.count(event.Switch, func(e *event.Event) bool {
			return int(e.CPU) == l.CPU && e.Time > l.First && e.Time < l.Last
		}); n > 0 {
			t.Errorf("%+v has %d switches in it", l, n)
		}
	}
	// Ping and pong alone make two switches and two wakings a round.
	if room := uint64(2 * 16 << 10 / 32); lost < 4*1009-room {
		t.Errorf("lost %d, want at least %d", lost, 4*1009-room)
	}
	exactly(t, "lost by the probes' account", p.cost.Lost, lost)
	exactly(t, "records by the probes' account", p.cost.Events, p.Records())
	// What came after is whole. Threads of pong may have inherited its name.
	most := uint64(0)
	for id, task := range p.Tasks() {
		if task.Name == "pong" && task.Parent >= 0 && p.Tasks()[task.Parent].TGID == b.pid() {
			most = max(most, p.count(event.Switch, func(e *event.Event) bool {
				return e.Task == event.TaskID(id) && e.Flags&event.FlagVoluntary != 0
			}))
		}
	}
	exactly(t, "the second pong's voluntary switches", most, 23)
}
