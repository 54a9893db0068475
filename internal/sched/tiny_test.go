package sched

import "runtime"

// tiny is a stream written by hand. It keeps the counters of each task as a kernel would, so that a test says only what
// happens. Times are as the test gives them; a test that needs a contradiction changes the event after.
type tiny struct {
	events []Event
	tasks  map[TaskID]*tinyTask
}

type tinyTask struct {
	nv, niv uint16
	exec    uint32
	in      int64
}

func newTiny() *tiny { return &tiny{tasks: map[TaskID]*tinyTask{}} }

func (s *tiny) task(id TaskID) *tinyTask {
	if s.tasks[id] == nil {
		s.tasks[id] = &tinyTask{in: -1}
	}
	return s.tasks[id]
}

func (s *tiny) add(e Event) *Event {
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
func (s *tiny) sw(at int64, cpu int, prev, next TaskID, how int) *Event {
	e := Event{Kind: Switch, Time: at, CPU: uint16(cpu), Task: prev, Other: next, Prio: 120, OtherPrio: 120,
		Flags: (FlagTaskTraced | FlagOtherTraced).WithPageTable(AddressSpace)}
	if next.Idle() {
		e.Flags = e.Flags.WithPageTable(Lazy)
	}
	if !prev.Idle() {
		t := s.task(prev)
		switch how {
		case sleeps, dies:
			e.Flags |= FlagVoluntary
			e.State = StateInterruptible
			if how == dies {
				e.State = StateDead
			}
			t.nv++
		case signalled:
			t.nv++ // and prev_state is 0
		case yields:
			e.Flags |= FlagYield
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
func (s *tiny) wake(at int64, cpu int, id, by TaskID, was int) *Event {
	return s.add(Event{Kind: Waking, Time: at, CPU: uint16(cpu), Task: id, Other: by, Value: int64(was), Prio: 120, Flags: FlagTaskTraced})
}

func (s *tiny) migrate(at int64, cpu int, id, by TaskID, to int) *Event {
	return s.add(Event{Kind: Migrate, Time: at, CPU: uint16(cpu), Task: id, Other: by, Value: int64(to), Flags: FlagTaskTraced})
}

// fork is a new task and its first waking, on a CPU.
func (s *tiny) fork(at int64, cpu int, id, by TaskID, to int) {
	s.add(Event{Kind: New, Time: at, CPU: uint16(cpu), Task: id, Other: by, Flags: FlagTaskTraced})
	s.add(Event{Kind: WakeNew, Time: at + 1, CPU: uint16(cpu), Task: id, Other: by, Value: int64(to), Flags: FlagTaskTraced})
	s.tasks[id] = &tinyTask{in: -1}
}

// snap is a snapshot of a task as it is now.
func (s *tiny) snap(at int64, id TaskID, cpu int, what Activity) Snapshot {
	t := s.task(id)
	if what == OnCPU && t.in < 0 {
		t.in = at
	}
	return Snapshot{Time: at, Task: id, CPU: uint16(cpu), Activity: what, NVCSW: uint64(t.nv), NIVCSW: uint64(t.niv), Exec: uint64(t.exec)}
}

// analyse feeds everything.
func analyse(w Window, o Options, table []Task, start []Snapshot, events []Event, end []Snapshot, lost ...Lost) *Result {
	a := NewAnalysis(w, o)
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

func (r *Result) task(id TaskID) *TaskResult {
	for i := range r.Tasks {
		if r.Tasks[i].ID == id {
			return &r.Tasks[i]
		}
	}
	return &TaskResult{ID: NoTask}
}

func (r *Result) check(name string) Check {
	for _, c := range r.Checks {
		if c.Name == name {
			return c
		}
	}
	return Check{}
}

func heapInUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse)
}
