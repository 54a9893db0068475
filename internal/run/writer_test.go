package run

import (
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"switchyard/trace/event"
)

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

func (s *stream) table() []event.Task {
	var list []event.Task
	for i := range s.tasks {
		list = append(list, event.Task{TID: 1000 + i, TGID: 1000 + i/6*6, Parent: event.NoTask,
			Name: "task", Started: int64(i) * 977})
	}
	return list
}
