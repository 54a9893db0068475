package run

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"switchyard/trace/event"
)

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
	sameAgain(t, events, 2)
}

// sameAgain writes events of so many tasks, and reads them, as a library does too.
func sameAgain(t *testing.T, events []event.Event, tasks int) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	write(t, dir, events, make([]event.Task, tasks))
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
	sameAgain(t, events, maxTasks/16)
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
