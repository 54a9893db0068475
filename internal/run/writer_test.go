package run

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"switchyard/internal/sched"
	"switchyard/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m, nil)) }

// write makes a run of the events and everything around them.
func write(t testing.TB, dir string, events []sched.Event, tasks []sched.Task) {
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
	return Manifest{Command: []string{"switchyard", "trace"}, Made: time.Unix(1_800_000_000, 0).UTC(),
		Window: Window{1, 2}, Checks: []Check{{Name: "nvcsw", Status: Pass}}}
}

func (s *stream) table() []sched.Task {
	var list []sched.Task
	for i := range s.tasks {
		list = append(list, sched.Task{TID: 1000 + i, TGID: 1000 + i/6*6, Parent: sched.NoTask, Name: "task", Started: int64(i) * 977})
	}
	return list
}

func TestRoundTrip(t *testing.T) {
	s := newStream(1, 4, 300, true)
	events := s.events(groupRows + 5000)
	dir := filepath.Join(t.TempDir(), "run")
	start := time.Now()
	write(t, dir, events, s.table())
	wrote := time.Since(start)
	start = time.Now()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	i := 0
	for e, err := range r.Events() {
		if err != nil {
			t.Fatal(err)
		}
		want := events[i]
		if kindHas[want.Kind]&hasOther == 0 {
			want.Other = sched.NoTask
		}
		if kindHas[want.Kind]&hasPrio == 0 {
			want.Prio = 0
		}
		if *e != want {
			t.Fatalf("event %d is %+v, want %+v", i, *e, want)
		}
		i++
	}
	t.Log(wrote, time.Since(start), r.Manifest().Tables)
	if i != len(events) {
		t.Errorf("%d events, want %d", i, len(events))
	}
	if !reflect.DeepEqual(r.Tasks(), s.table()) {
		t.Errorf("tasks differ")
	}
}
