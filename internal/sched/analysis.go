package sched

import (
	"math"
	"time"

	"switchyard/trace/event"
)

// Options say what a recording has, and what is wanted of it. The zero Options suit a recording of
// some tasks.
type Options struct {
	// the recording has every event of every task and CPU. Without it nothing is said of CPUs as a
	// whole
	All bool
	// CPUs is how many the machine has, those that had no event included. Online are those that
	// were online when the window opened; nil: it is not known, and all of CPUs are taken to be.
	CPUs   int
	Online []int

	// Nested says that the recorder was in a PID namespace of its own: the snapshots are of that
	// namespace's tasks only (bpf_iter), while with All the events are of every task.
	Nested bool

	// Steal is the time the hypervisor kept from all CPUs in the window; Interrupts that spent in
	// interrupts, if the kernel leaves that out of sum_exec_runtime (CONFIG_IRQ_TIME_ACCOUNTING).
	// Checks allow for both.
	Steal, Interrupts time.Duration

	// Ctxt is ctxt of /proc/stat, read when the window opened and when it closed.
	Ctxt *[2]event.Reading

	// Interval is called for every interval when it is known. The Interval is valid during the call
	// only.
	Interval func(*Interval)

	MaxTasks int // events of tasks numbered beyond that are refused and counted; 0: 1<<20
	MaxPairs int // entries a matrix may have; 0: 1<<18
}

// Analysis turns one recording into a Result. Feed it what is known of the recording as a whole
// first (Start, End, Last, Lost, Tasks, each in any order), then the events in the order of time
// (Event), and then ask for the Result.
//
// Its memory is bounded by the numbers of tasks, CPUs and lost intervals, not by the number of
// events. It has no lock.
type Analysis struct {
	w event.Window
	o Options

	tasks    []*[taskPiece]task // a piece is made when a task of it is first met
	table    []event.Task
	cpus     []*cpu
	pages    pages
	interval Interval

	now        int64 // of the last event
	began      bool  // events have come
	lostAny    losses
	lostCPU    []losses // by CPU
	lost       []event.Lost
	nextLost   int // of lostAny: the next to begin, or the one now in
	events     uint64
	disordered uint64
	refused    uint64
	strange    uint64

	preemptors, wakers pairs
	worst              worst
	queue              queues
	stays              stays
	absences           absences
	// the kernel keeps run_delay
	delays bool
	// the walks over all tasks: how many, and when
	walk struct{ started, ended, lastStart, firstEnd int64 }
	// switches between the readings, at least and at most
	ctxt      [2]uint64
	switches  uint64
	staleIdle int64 // Analysis.stale at switches from and to idle tasks
	done      *Result
}

const (
	taskPiece   = 256
	never       = -1
	ambiguous   = -2                // of an early waking: another one may have been lost
	latest      = math.MaxInt64 / 4 // beyond any time: differences and their sums do not overflow
	defMaxTasks = 1 << 20
	defMaxPairs = 1 << 18
)

// NewAnalysis returns an Analysis of what happened in the window.
func NewAnalysis(w event.Window, o Options) *Analysis {
	if o.MaxTasks <= 0 {
		o.MaxTasks = defMaxTasks
	}
	if o.MaxPairs <= 0 {
		o.MaxPairs = defMaxPairs
	}
	w.Open = clamp(w.Open)
	w.Close = max(clamp(w.Close), w.Open)
	a := &Analysis{w: w, o: o, preemptors: newPairs(o.MaxPairs), wakers: newPairs(o.MaxPairs)}
	a.walk.firstEnd = latest
	if o.Online != nil {
		for _, i := range o.Online {
			if i >= 0 && i <= math.MaxUint16 {
				a.cpu(i).off = never
			}
		}
		return a
	}
	for i := range min(max(o.CPUs, 0), math.MaxUint16+1) {
		a.cpu(i)
	}
	return a
}

func clamp(t int64) int64 { return min(max(t, 0), latest) }

// Lost says that events are missing.
func (a *Analysis) Lost(l event.Lost) {
	l.First = clamp(l.First)
	l.Last = max(clamp(l.Last), l.First)
	a.lost = append(a.lost, l)
	s := stretch{l.First, l.Last}
	a.lostAny = append(a.lostAny, s)
	if l.CPU < 0 || l.CPU > math.MaxUint16 {
		return
	}
	for len(a.lostCPU) <= l.CPU {
		a.lostCPU = append(a.lostCPU, nil)
	}
	a.lostCPU[l.CPU] = append(a.lostCPU[l.CPU], s)
}

// lostOn returns what a CPU lost.
func (a *Analysis) lostOn(cpu int32) losses {
	if cpu < 0 || int(cpu) >= len(a.lostCPU) {
		return nil
	}
	return a.lostCPU[cpu]
}

// Tasks gives the recording's table of tasks: a TaskID is an index of it. It comes before Start,
// which asks it whose events there are.
func (a *Analysis) Tasks(table []event.Task) { a.table = table }

// Start says what a task was doing before the window opened. Only the first one for a task counts.
func (a *Analysis) Start(s *event.Snapshot) {
	t := a.task(s.Task)
	if t == nil {
		return
	}
	b := t.keep()
	if b.started {
		return // the walk has come by before
	}
	a.walk.started++
	a.delays = a.delays || s.HasRunDelay && s.RunDelay > 0
	b.started, b.start = true, *s
	b.start.Time = clamp(s.Time)
	a.walk.lastStart = max(a.walk.lastStart, b.start.Time)
	// A task that the recording is not about may be in the walk, but no event says when it leaves
	// the queue: it would wait to the window's end.
	if s.Activity == event.Runnable && t.state == unmet && a.recorded(s.Task) {
		a.place(t, s.Task, int32(s.CPU), b.start.Time)
	}
}

// End says what the kernel's books had on a task after the window closed.
func (a *Analysis) End(s *event.Snapshot) {
	t := a.task(s.Task)
	if t == nil {
		return
	}
	b := t.keep()
	if !b.ended {
		a.walk.ended++
	}
	b.ended, b.end = true, *s
	b.end.Time = clamp(s.Time)
	a.walk.firstEnd = min(a.walk.firstEnd, b.end.Time)
}

// Last says what the kernel's books had on a task at its last switch.
func (a *Analysis) Last(s *event.Snapshot) {
	if t := a.task(s.Task); t != nil {
		b := t.keep()
		b.closed, b.last = true, *s
		a.delays = a.delays || s.HasRunDelay && s.RunDelay > 0
	}
}

// begin prepares for the first event.
func (a *Analysis) begin() {
	a.began = true
	a.lostAny = a.lostAny.merge()
	for i := range a.lostCPU {
		a.lostCPU[i] = a.lostCPU[i].merge()
	}
}

// Event takes the next event. One that is earlier than the one before it is counted and taken as of
// the same time.
func (a *Analysis) Event(e *event.Event) {
	if a.done != nil {
		return
	}
	if !a.began {
		a.begin()
	}
	now := clamp(e.Time)
	if now < a.now {
		a.disordered++
		now = a.now
	}
	a.now = now
	a.events++
	if a.nextLost < len(a.lostAny) {
		a.passLost(now)
	}
	a.hear(int(e.CPU), now)
	switch e.Kind {
	case event.Switch:
		a.onSwitch(e, now)
	case event.Waking:
		a.onWaking(e, now)
	case event.WakeNew:
		a.onWakeNew(e, now)
	case event.Migrate:
		a.onMigrate(e, now)
	case event.New:
		a.onNew(e, now)
	case event.Exec:
		a.onExec(e, now)
	case event.Exit:
		a.cpu(int(e.CPU)).waking = event.NoTask
		if t := a.task(e.Task); t != nil {
			t.exiting = true
		}
	case event.Free:
		a.onFree(e, now)
	case event.Offline:
		a.onOffline(e, now)
	case event.Online:
		a.onOnline(e, now)
	}
}

// in reports whether a time is in the window.
func (a *Analysis) in(t int64) bool { return t >= a.w.Open && t < a.w.Close }

// clip returns how much of an interval lies in the window.
func (a *Analysis) clip(from, to int64) int64 {
	return max(min(to, a.w.Close)-max(from, a.w.Open), 0)
}

// recorded reports whether the recording has all events of a task.
func (a *Analysis) recorded(id event.TaskID) bool {
	return a.o.All || id >= 0 && int(id) < len(a.table) && a.table[id].Traced
}

// about reports whether the recording is about the task an event names, and so has all its events.
func (a *Analysis) about(flags, flag event.Flags) bool { return a.o.All || flags&flag != 0 }

// task returns the state of a task; nil if it has none: it is idle, not known, or numbered beyond
// reason.
func (a *Analysis) task(id event.TaskID) *task {
	if id < 0 {
		return nil
	}
	if int(id) >= a.o.MaxTasks {
		a.refused++
		return nil
	}
	i := int(id) / taskPiece
	if i >= len(a.tasks) {
		a.tasks = append(a.tasks, make([]*[taskPiece]task, i+1-len(a.tasks))...)
	}
	if a.tasks[i] == nil {
		a.tasks[i] = new([taskPiece]task)
	}
	return &a.tasks[i][int(id)%taskPiece]
}

// peek returns the state of a task, nil if there is none yet.
func (a *Analysis) peek(id event.TaskID) *task {
	if i := int(id) / taskPiece; id >= 0 && i < len(a.tasks) && a.tasks[i] != nil {
		return &a.tasks[i][int(id)%taskPiece]
	}
	return nil
}

// cpu returns the state of a CPU.
func (a *Analysis) cpu(i int) *cpu {
	if i >= len(a.cpus) {
		a.cpus = append(a.cpus, make([]*cpu, i+1-len(a.cpus))...)
	}
	if a.cpus[i] == nil {
		c := &cpu{current: event.NoTask, waking: event.NoTask, woken: noWaking,
			queueFrom: a.w.Open, placed: event.NoTask, begun: a.w.Open, heard: never, off: never}
		if a.o.Online != nil {
			c.off = a.w.Open // one that was not offline then is in Online
		}
		a.cpus[i] = c
	}
	return a.cpus[i]
}
