package run

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"switchyard/internal/testenv"
	"switchyard/trace/event"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m, nil)) }

// write makes a run of the events and everything around them.
func write(t testing.TB, dir string, events []event.Event, tasks []event.Task) {
	t.Helper()
	w, err := Create(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for i := range events {
		if err := w.Event(&events[i]); err != nil {
			t.Fatal(err)
		}
	}
	w.Tasks(tasks)
	if err := w.Commit(someManifest()); err != nil {
		t.Fatal(err)
	}
}

func someManifest() Manifest {
	cost, cpu, steal := 212.5, int64(12_345_678), int64(math.MaxInt64)
	switches := &event.SwitchCosts{Window: time.Second, By: "sched_switch", Switches: 3,
		Missing: map[string]string{"preemption": "no hook"}}
	for _, d := range []time.Duration{1200, 1300, 45_000} {
		switches.Kinds[event.SwitchThread].Total.Add(d)
		switches.Kinds[event.SwitchThread].Switching.Add(d / 2)
	}
	return Manifest{
		Command: []string{"switchyard", "trace", "--record", "--", "sleep", "1"},
		Made:    time.Unix(1_800_000_000, 123).UTC(),
		Options: Options{Of: "sleep 1", All: true, Buffer: 8 << 20, Online: 2, Steal: &steal,
			SwitchCost: switches},
		Host: event.Host{Name: "here", Kernel: "6.18.0", Arch: "amd64", CPUs: 2, Go: "go1.26",
			Root: true},
		Window:   event.Window{Open: 86_400_123_456_000, Close: 86_500_000_000_000},
		Clock:    Clock{Boottime: 86_400_000_000_000, Realtime: 1_800_000_000_000_000_000},
		Probe:    Probe{Events: 300, NsPerEvent: &cost, ReaderCPU: &cpu},
		Warnings: []string{"a sentence"},
	}
}

// kept is what is kept of an event.
func kept(e event.Event) event.Event {
	has := kindHas[e.Kind]
	k := event.Event{Time: e.Time, Kind: e.Kind, Task: e.Task, Other: event.NoTask, CPU: e.CPU,
		Flags: e.Flags}
	if has&hasOther != 0 {
		k.Other = e.Other
	}
	if has&hasPrio != 0 {
		k.Prio = e.Prio
	}
	if has&isSwitch != 0 {
		k.State, k.NVCSW, k.NIVCSW, k.OtherPrio, k.Value = e.State, e.NVCSW, e.NIVCSW, e.OtherPrio,
			e.Value&math.MaxUint32
	}
	if has&(hasAtCPU|hasSyscall|hasResult) != 0 {
		k.Value = e.Value
	}
	return k
}

// sameEvents compares what a run holds with what went in.
func sameEvents(t *testing.T, r *Reader, want []event.Event) {
	t.Helper()
	i := 0
	for e, err := range r.Events() {
		if err != nil {
			t.Fatal(err)
		}
		if *e != kept(want[i]) {
			t.Fatalf("event %d is %+v, want %+v", i, *e, kept(want[i]))
		}
		i++
	}
	if i != len(want) {
		t.Errorf("%d events, want %d", i, len(want))
	}
}

// What is written comes back, over several row groups.
func TestEvents(t *testing.T) {
	s := newStream(1, 4, 300, true)
	events := s.events(2*groupRows + 5000)
	dir := filepath.Join(t.TempDir(), "run")
	write(t, dir, events, s.table())
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if n := r.events.Groups(); n != 3 {
		t.Errorf("%d row groups, want 3", n)
	}
	sameEvents(t, r, events)
	sameEvents(t, r, events) // and once more
	sameToLibrary(t, dir)
}

// Every kind, with every field at the ends of its range; counters that go back and jump; tasks that
// are not known.
func TestAnyEvent(t *testing.T) {
	var events []event.Event
	at := int64(math.MinInt64)
	say := func(e event.Event) {
		e.Time = at
		at += math.MaxInt64 / 64
		events = append(events, e)
	}
	ids := []event.TaskID{0, 1, event.Idle(0), event.Idle(maxCPU), event.NoTask}
	for k := range kindNames {
		if kindNames[k] == "" {
			continue
		}
		for i, task := range ids[:2+k%4] {
			e := event.Event{Kind: event.Kind(k), Task: task, Other: ids[len(ids)-1-i], CPU: maxCPU,
				State: math.MaxUint16,
				NVCSW: math.MaxUint16, NIVCSW: uint16(i), Flags: math.MaxUint8, Prio: math.MaxUint8,
				OtherPrio: math.MaxUint8}
			switch {
			case kindHas[k]&isSwitch != 0:
				e.Value = math.MaxUint32
			case kindHas[k]&(hasSyscall|hasResult) != 0:
				e.Value = math.MinInt64
			case kindHas[k]&hasAtCPU != 0:
				e.Value = math.MinInt32
			}
			say(e)
			e.Value, e.NVCSW, e.Flags = 0, 0, 0
			say(e)
		}
	}
	dir := filepath.Join(t.TempDir(), "run")
	write(t, dir, events, make([]event.Task, 2))
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	sameEvents(t, r, events)
	sameToLibrary(t, dir)
}

// What the Writer writes the Reader takes, also when nothing repeats and nothing can be predicted:
// it stays below the limits that keep hostile tables out.
func TestNoise(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	events := make([]event.Event, groupRows)
	at := int64(0)
	for i := range events {
		at += rnd.Int64N(1 << 45)
		events[i] = event.Event{Time: at, Kind: event.Switch,
			Task:  event.TaskID(rnd.IntN(maxTasks / 16)),
			Other: event.TaskID(rnd.IntN(maxTasks / 16)),
			CPU:   uint16(rnd.Uint32()), State: uint16(rnd.Uint32()), NVCSW: uint16(rnd.Uint32()),
			NIVCSW: uint16(rnd.Uint32()),
			Flags:  event.Flags(rnd.Uint32()), Prio: uint8(rnd.Uint32()),
			OtherPrio: uint8(rnd.Uint32()), Value: int64(rnd.Uint32())}
		if i%2 == 1 {
			events[i].Kind, events[i].Value = event.SyscallExit, int64(rnd.Uint64())
		}
	}
	dir := filepath.Join(t.TempDir(), "run")
	write(t, dir, events, make([]event.Task, maxTasks/16))
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	sameEvents(t, r, events)
	sameToLibrary(t, dir)
}

// Everything beside the events comes back too.
func TestTables(t *testing.T) {
	tasks := []event.Task{
		{TID: 1, TGID: 1, Parent: event.Idle(0), Name: "init", Early: true},
		{TID: math.MaxInt32, TGID: 4, Parent: 0, Name: "sy-loop/0", Started: 86_400_123_456_789,
			Traced: true},
		{Parent: event.NoTask, Name: ""},
		{TID: 7, TGID: 7, Parent: 1, Name: "not\xfftext\x00\n", Kernel: true, Tracer: true},
		{TID: 8, TGID: 8, Parent: 1, Name: "\uFFFD"},
	}
	open := []event.Snapshot{
		{Time: 5, Task: 0, CPU: 1, State: 0x2001, Activity: event.Blocked, NVCSW: 10,
			NIVCSW: math.MaxInt64, Exec: 77},
		{Time: 6, Task: event.Idle(1), Activity: event.OnCPU},
	}
	close := []event.Snapshot{{Time: 9, Task: 4, Activity: event.Runnable, RunDelay: 0,
		HasRunDelay: true}, {Time: 9, Task: 3, RunDelay: 12, HasRunDelay: true}}
	last := []event.Snapshot{{Time: 8, Task: 1, CPU: 3, State: event.StateDead,
		Activity: event.OnCPU, NVCSW: 3, NIVCSW: 4, Exec: 5, RunDelay: 6, HasRunDelay: true}}
	lost := []event.Lost{{CPU: 0, First: 3, Last: 3, Count: 1},
		{CPU: 1, First: 4, Last: 9, Count: 1 << 40}}
	load := []byte(`{"requests": 12}`)

	dir := filepath.Join(t.TempDir(), "run")
	w, err := Create(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	w.Tasks(tasks)
	w.Snapshots(open, close)
	w.Last(last)
	w.Lost(lost)
	w.Load(load)
	m := someManifest()
	if err := w.Commit(m); err != nil {
		t.Fatal(err)
	}
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if !slices.Equal(r.Tasks(), tasks) {
		t.Errorf("tasks %+v, want %+v", r.Tasks(), tasks)
	}
	if o, c := r.Snapshots(); !slices.Equal(o, open) || !slices.Equal(c, close) {
		t.Errorf("snapshots %+v and %+v, want %+v and %+v", o, c, open, close)
	}
	if got := r.Last(); !slices.Equal(got, last) {
		t.Errorf("last %+v, want %+v", got, last)
	}
	if !slices.Equal(r.Lost(), lost) {
		t.Errorf("lost %+v, want %+v", r.Lost(), lost)
	}
	if got, err := r.Load(); err != nil || string(got) != string(load) {
		t.Errorf("load %q, %v", got, err)
	}
	got := *r.Manifest()
	if got.Tables.Tasks.Rows != 5 || got.Tables.Events != (Table{0, got.Tables.Events.Bytes}) {
		t.Errorf("tables %+v", got.Tables)
	}
	if got.Lost != (LostSum{2, 1<<40 + 1}) {
		t.Errorf("lost %+v", got.Lost)
	}
	m.Schema, m.Tables, m.Lost = Schema, got.Tables, got.Lost
	if thread := &got.Options.SwitchCost.Kinds[event.SwitchThread]; !thread.Total.Equal(
		&m.Options.SwitchCost.Kinds[event.SwitchThread].Total) {
		t.Errorf("switches took %v, want %v", &thread.Total,
			&m.Options.SwitchCost.Kinds[event.SwitchThread].Total)
	}
	m.Options.SwitchCost, got.Options.SwitchCost = nil, nil
	if !reflect.DeepEqual(got, m) {
		t.Errorf("manifest %+v, want %+v", got, m)
	}
	for range r.Events() {
		t.Error("an event")
	}
	if when := m.Clock.Time(m.Clock.Boottime + 5); when.UnixNano() != 1_800_000_000_000_000_005 {
		t.Errorf("time of the calendar %v", when)
	}
	sameToLibrary(t, dir)
}

// Many tasks take several row groups, with names as long and as bad as can be.
func TestManyTasks(t *testing.T) {
	tasks := make([]event.Task, 3*smallGroupRows+7)
	for i := range tasks {
		name := fmt.Sprintf("%06d", i) + strings.Repeat("\xff_", maxName)
		tasks[i] = event.Task{TID: i, TGID: i, Parent: event.NoTask, Name: name[:maxName],
			Started: int64(i) * 977}
	}
	dir := filepath.Join(t.TempDir(), "run")
	write(t, dir, nil, tasks)
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if !slices.Equal(r.Tasks(), tasks) {
		t.Error("tasks differ")
	}
	sameToLibrary(t, dir)
}

// names lists a directory.
func names(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// A directory is a run or not there; one that was there keeps what it had.
func TestAllOrNothing(t *testing.T) {
	for name, test := range map[string]struct {
		use   func(w *Writer) error // returns what Commit should fail with
		wants string
	}{
		"closed": {func(w *Writer) error { return nil }, ""},
		"no such task": {func(w *Writer) error {
			w.Event(&event.Event{Kind: event.Exit, Task: 3})
			return w.Commit(someManifest())
		}, "task 3"},
		"no such parent": {func(w *Writer) error {
			w.Tasks([]event.Task{{Parent: 1}})
			return w.Commit(someManifest())
		}, "parent of task 0"},
		"bad load": {func(w *Writer) error {
			w.Load([]byte("{"))
			return w.Commit(someManifest())
		}, loadName},
		"bad snapshot": {func(w *Writer) error {
			w.Snapshots(nil, []event.Snapshot{{Task: 5}})
			return w.Commit(someManifest())
		}, "snapshot of task 5"},
		"bad interval": {func(w *Writer) error {
			w.Lost([]event.Lost{{First: 2, Last: 1}})
			return w.Commit(someManifest())
		}, "no interval"},
		"bad window": {func(w *Writer) error {
			m := someManifest()
			m.Window.Close = 0
			return w.Commit(m)
		}, "window"},
		"name taken": {func(w *Writer) error {
			// A directory cannot be replaced by a file: the renaming fails half-way.
			if err := w.parts.root.Mkdir(tasksName, 0o700); err != nil {
				return err
			}
			defer w.parts.root.Remove(tasksName)
			err := w.commit(someManifest())
			w.parts.root.Remove(tasksName)
			w.Close()
			return err
		}, tasksName},
	} {
		for _, there := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "run")
				if there {
					if err := os.Mkdir(dir, 0o755); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(filepath.Join(dir, "spool"), nil, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				w, err := Create(dir, nil)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := Open(dir); !errors.Is(err, ErrIncomplete) ||
					!strings.Contains(err.Error(), "switchyard recover "+dir) {
					t.Errorf("opened before it was complete: %v", err)
				}
				for _, n := range names(t, dir) {
					if n != "spool" && !strings.HasPrefix(n, ".") {
						t.Errorf("%s is in sight", n)
					}
				}
				err = test.use(w)
				if test.wants == "" && err != nil || test.wants != "" &&
					(err == nil || !strings.Contains(err.Error(), test.wants)) {
					t.Errorf("error %v, want one with %q", err, test.wants)
				}
				w.Close()
				if !there {
					if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
						t.Errorf("%v is left, %v", names(t, dir), err)
					}
				} else if left := names(t, dir); !slices.Equal(left, []string{"spool"}) {
					t.Errorf("%v is left", left)
				}
				if err := w.Commit(someManifest()); !errors.Is(err, os.ErrClosed) {
					t.Errorf("commit after close: %v", err)
				}
			})
		}
	}
}

// Files are their owner's alone, and are handed over while they are empty.
func TestOwner(t *testing.T) {
	umask := unix.Umask(0)
	defer unix.Umask(umask)
	dir := filepath.Join(t.TempDir(), "run")
	var handed []string
	w, err := Create(dir, func(f *os.File) {
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		want := fs.FileMode(0o600)
		if info.IsDir() {
			want = fs.ModeDir | 0o700
		} else if info.Size() != 0 {
			t.Errorf("%s has %d bytes when it is handed over", f.Name(), info.Size())
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %v, want %v", f.Name(), info.Mode(), want)
		}
		if os.Geteuid() == 0 {
			if err := f.Chown(1234, 5678); err != nil {
				t.Error(err)
			}
		}
		handed = append(handed, filepath.Base(f.Name()))
	})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	w.Load([]byte("{}"))
	if err := w.Commit(someManifest()); err != nil {
		t.Fatal(err)
	}
	if len(handed) != 7 {
		t.Errorf("handed over: %v", handed)
	}
	list := names(t, dir)
	if want := []string{eventsName, loadName, lostName, ManifestName, snapshotsName,
		tasksName}; !slices.Equal(list, want) {
		t.Errorf("files %v, want %v", list, want)
	}
	for _, n := range append(list, ".") {
		var st unix.Stat_t
		if err := unix.Stat(filepath.Join(dir, n), &st); err != nil {
			t.Fatal(err)
		}
		if os.Geteuid() == 0 && (st.Uid != 1234 || st.Gid != 5678) {
			t.Errorf("%s belongs to %d:%d", n, st.Uid, st.Gid)
		}
		if st.Mode&0o077 != 0 {
			t.Errorf("%s has mode %o", n, st.Mode)
		}
	}
}

// A link that somebody put in the way is not followed.
func TestLinks(t *testing.T) {
	parent := t.TempDir()
	elsewhere := filepath.Join(parent, "elsewhere")
	if err := os.Mkdir(elsewhere, 0o700); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(parent, "link")
	if err := os.Symlink(elsewhere, link); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(link, nil); err == nil || !strings.Contains(err.Error(), "symbolic link") {
		t.Errorf("created through a link: %v", err)
	}
	// Hidden names are known beforehand: what lies there is removed, and not what it points to.
	victim := filepath.Join(parent, "victim")
	if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(parent, "run")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{eventsName, tasksName, ManifestName} {
		if err := os.Symlink(victim, filepath.Join(dir, hidden(name))); err != nil {
			t.Fatal(err)
		}
	}
	write(t, dir, nil, nil)
	if data, err := os.ReadFile(victim); err != nil || string(data) != "precious" {
		t.Errorf("the file behind the link is %q, %v", data, err)
	}
	if _, err := Create(dir, nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("created over a run: %v", err)
	}
	if err := read(dir); err != nil {
		t.Errorf("the run that was there: %v", err)
	}
}

// A Writer that was killed is in the way of no other; files of others are.
func TestAfterKill(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	write(t, dir, nil, nil)
	put := func(from, to string) {
		t.Helper()
		if err := os.Rename(filepath.Join(dir, from), filepath.Join(dir, to)); err != nil {
			t.Fatal(err)
		}
	}

	// Killed while it gave out names: the last ones are still hidden.
	put(ManifestName, hidden(ManifestName))
	put(lostName, hidden(lostName))
	events := newStream(1, 2, 3, false).events(100)
	write(t, dir, events, newStream(1, 2, 3, false).table())
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	sameEvents(t, r, events)
	for _, n := range names(t, dir) {
		if strings.HasPrefix(n, ".") {
			t.Errorf("%s is left", n)
		}
	}

	// Somebody's own table.
	if err := os.Remove(filepath.Join(dir, ManifestName)); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(dir, nil); !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(),
		eventsName) {
		t.Errorf("created over %s: %v", eventsName, err)
	}
	if len(names(t, dir)) != 4 {
		t.Errorf("%v are left", names(t, dir))
	}
}

// An event that cannot be kept ends the run.
func TestBadEvents(t *testing.T) {
	good := event.Event{Kind: event.Exit, Time: 10, Task: event.NoTask}
	for name, bad := range map[string]event.Event{
		"time":        {Kind: event.Exit, Time: 9},
		"kind 0":      {Time: 11},
		"kind 200":    {Kind: 200, Time: 11},
		"task":        {Kind: event.Exit, Time: 11, Task: maxTasks},
		"idle task":   {Kind: event.Exit, Time: 11, Task: -maxCPU - 2},
		"other":       {Kind: event.New, Time: 11, Other: maxTasks},
		"CPU":         {Kind: event.Migrate, Time: 11, Value: 1 << 31},
		"time of all": {Kind: event.Exit, Time: math.MinInt64},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			w, err := Create(dir, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			if err := w.Event(&good); err != nil {
				t.Fatal(err)
			}
			err = w.Event(&bad)
			if err == nil || !strings.HasPrefix(err.Error(), "write event 1: ") {
				t.Errorf("error %v", err)
			}
			if again := w.Event(&good); again != err {
				t.Errorf("the next one: %v", again)
			}
			if err := w.Commit(someManifest()); err == nil {
				t.Error("completed")
			}
		})
	}
}

func (s *stream) table() []event.Task {
	var list []event.Task
	for i := range s.tasks {
		list = append(list, event.Task{TID: 1000 + i, TGID: 1000 + i/6*6, Parent: event.NoTask,
			Name: "task", Started: int64(i) * 977})
	}
	return list
}
