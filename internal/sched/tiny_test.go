package sched

import (
	"runtime"

	"switchyard/trace/event"
)

// tiny is a stream written by hand. It keeps the counters of each task as a kernel would, so that a
// test says only what happens. Times are as the test gives them; a test that needs a contradiction
// changes the event after.
type tiny struct {
	events []event.Event
	tasks  map[event.TaskID]*tinyTask
}

type tinyTask struct {
	nv, niv uint16
	exec    uint32
	in      int64
}

func newTiny() *tiny { return &tiny{tasks: map[event.TaskID]*tinyTask{}} }

func (s *tiny) task(id event.TaskID) *tinyTask {
	if s.tasks[id] == nil {
		s.tasks[id] = &tinyTask{in: -1}
	}
	return s.tasks[id]
}

func (s *tiny) add(e event.Event) *event.Event {
	s.events = append(s.events, e)
	return &s.events[len(s.events)-1]
}

// How a task leaves a CPU.
const (
	sleeps = iota
	preempted
	yields
	signalled
	dies
)

// sw is a switch. Priorities are those of ordinary tasks.
func (s *tiny) sw(at int64, cpu int, prev, next event.TaskID, how int) *event.Event {
	e := event.Event{Kind: event.Switch, Time: at, CPU: uint16(cpu), Task: prev, Other: next,
		Prio: 120, OtherPrio: 120,
		Flags: (event.FlagTaskTraced | event.FlagOtherTraced).WithPageTable(event.AddressSpace)}
	if next.Idle() {
		e.Flags = e.Flags.WithPageTable(event.Lazy)
	}
	if !prev.Idle() {
		t := s.task(prev)
		switch how {
		case sleeps, dies:
			e.Flags |= event.FlagVoluntary
			e.State = event.StateInterruptible
			if how == dies {
				e.State = event.StateDead
			}
			t.nv++
		case signalled:
			t.nv++ // and prev_state is 0
		case yields:
			e.Flags |= event.FlagYield
			t.niv++
		default:
			t.niv++
		}
		if t.in >= 0 {
			t.exec += uint32(at - t.in)
		}
		t.in = -1
		e.NVCSW, e.NIVCSW, e.Value = t.nv, t.niv, int64(t.exec)
	}
	if !next.Idle() {
		s.task(next).in = at
	}
	return s.add(e)
}

// wake is a waking by a task, on the CPU it is on; the wakee was on CPU was last.
func (s *tiny) wake(at int64, cpu int, id, by event.TaskID, was int) *event.Event {
	return s.add(event.Event{Kind: event.Waking, Time: at, CPU: uint16(cpu), Task: id, Other: by,
		Value: int64(was), Prio: 120, Flags: event.FlagTaskTraced})
}

func (s *tiny) migrate(at int64, cpu int, id, by event.TaskID, to int) *event.Event {
	return s.add(event.Event{Kind: event.Migrate, Time: at, CPU: uint16(cpu), Task: id, Other: by,
		Value: int64(to), Flags: event.FlagTaskTraced})
}

// fork is a new task and its first waking, on a CPU.
func (s *tiny) fork(at int64, cpu int, id, by event.TaskID, to int) {
	s.add(event.Event{Kind: event.New, Time: at, CPU: uint16(cpu), Task: id, Other: by,
		Flags: event.FlagTaskTraced})
	s.add(event.Event{Kind: event.WakeNew, Time: at + 1, CPU: uint16(cpu), Task: id, Other: by,
		Value: int64(to), Flags: event.FlagTaskTraced})
	s.tasks[id] = &tinyTask{in: -1}
}

// snap is a snapshot of a task as it is now.
func (s *tiny) snap(at int64, id event.TaskID, cpu int, what event.Activity) event.Snapshot {
	t := s.task(id)
	if what == event.OnCPU && t.in < 0 {
		t.in = at
	}
	return event.Snapshot{Time: at, Task: id, CPU: uint16(cpu), Activity: what, NVCSW: uint64(t.nv),
		NIVCSW: uint64(t.niv), Exec: uint64(t.exec)}
}

// analyse feeds everything.
func analyse(w event.Window, o Options, table []event.Task, start []event.Snapshot,
	events []event.Event, end []event.Snapshot, lost ...event.Lost) *Result {
	return analyseLast(w, o, table, start, events, end, nil, lost...)
}

// analyseLast has the books of ended tasks besides.
func analyseLast(w event.Window, o Options, table []event.Task, start []event.Snapshot,
	events []event.Event, end, last []event.Snapshot, lost ...event.Lost) *Result {
	a := NewAnalysis(w, o)
	for i := range last {
		a.Last(&last[i])
	}
	a.Tasks(table)
	for _, l := range lost {
		a.Lost(l)
	}
	for i := range start {
		a.Start(&start[i])
	}
	for i := range end {
		a.End(&end[i])
	}
	for i := range events {
		a.Event(&events[i])
	}
	return a.Result()
}

func (r *Result) task(id event.TaskID) *TaskResult {
	for i := range r.Tasks {
		if r.Tasks[i].ID == id {
			return &r.Tasks[i]
		}
	}
	return &TaskResult{ID: event.NoTask}
}

func (r *Result) check(name string) event.Check {
	for _, c := range r.Checks {
		if c.Name == name {
			return c
		}
	}
	return event.Check{}
}

func heapInUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse)
}
