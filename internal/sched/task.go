package sched

import (
	"time"

	"switchyard/trace/event"
)

// state is what a task is doing.
type state uint8

const (
	unmet   state = iota // nothing was heard of it
	unknown              // it is there
	fresh                // made, and not yet runnable for the first time
	ready                // runnable, on a queue
	running
	blocked
	gone // its last switch is over
)

// left is why a task is not on a CPU: how its period began.
type left uint8

const (
	leftUnknown   left = iota
	leftBlocked        // gave the CPU up to wait for a waking
	leftPreempted      // lost the CPU
	leftYielded        // in sched_yield
	leftSignalled      // gave the CPU up, and a signal kept it runnable
	leftNew            // never had one
	leftReady          // the snapshot found it runnable, whatever the reason
	leftNot            // the snapshot found it on a CPU
)

// task is all that is kept of one task.
//
// Its life is cut into periods. A period begins with a switch away from the task and ends with the
// next: blocked, waiting for a CPU, on it. What is seen in between is kept and added up only at the
// end, when the kernel's own counters in the event say whether the period is one, or several with
// switches missing. A task's first period begins when it is made, or with the snapshot.
type task struct {
	Totals

	// The period: when it began, the first waking in it, the switch-in; or never.
	from, woken, in int64
	before          int64 // the switch-in of the period before, or its beginning
	// when the waking was seen: of an early one before the period's beginning
	wakingAt     int64
	by           event.TaskID // whoever woke it, or preempted it
	cpu          int32        // on which it is, or was last; never: not known
	state        state
	prio         uint8
	left         left
	seen         bool // the period's beginning was an event
	doubt        bool // what was seen in it cannot all be
	earlyUsed    bool // its waking came before its beginning
	unseenWaking bool
	halfway      bool // it lost the CPU on its way to sleep
	ahead        bool // events began before the start snapshot, whose time has not come

	// A waking while it was on a CPU: spurious, or early. That shows when it comes back.
	early          int64
	earlyBy        event.TaskID
	earlyInherited int64

	// A switch-in while it was on another CPU: clocks disagree, if the switch-out from that CPU
	// comes yet.
	twice    bool
	twiceCPU int32

	// Its counters, at its last switch away: as the event has them, and since the start snapshot.
	indexed           bool
	nvcsw, nivcsw     uint16
	sinceNV, sinceNIV int64
	execKnown         bool
	exec              uint32
	// it is on its way out: a walk over all tasks may not find it any more
	exiting    bool
	leaves     bool  // a switch away from it was seen: the kernel does not hide it
	traced     bool  // an event says that the recording is about it
	bornSeen   bool  // it was made in the recording
	born       int64 // when it was first known to be
	died       int64
	forced     bool // the stopper moved it since it last gave up the CPU,
	forcedIn   bool // in the window
	queued     bool
	queueCPU   int32
	queueEpoch uint32

	// For the check of run_delay. Of the period: the switches at both ends of its wait, how long it
	// can take from its waking to the queue, how often it was moved to another queue while it
	// waited, and when first while it slept. Of all periods: between what the kernel's waits lie,
	// for the task alone and for the sum of all tasks; or nothing is known, for an end of a wait is
	// not.
	leftAt, cameAt  edge
	enqueuing       int64
	moved           int32
	movedAsleep     int64
	delay, delayAll delay
	delayUnknown    bool
	// How much earlier than we the kernel may say that it came to a CPU, and left it: see
	// Analysis.stale.
	staleIn, staleOut int64

	chain                                 chain
	wakeup, other, onCPU, block, compound tally

	books *books
}

// books are what the kernel's own say of the task.
type books struct {
	start, end, last event.Snapshot
	started, ended   bool
	closed           bool // last is known: the task's last switch was recorded
}

func (t *task) keep() *books {
	if t.books == nil {
		t.books = new(books)
	}
	return t.books
}

// meet returns the state of the task an event is about; nil if it has none.
func (a *Analysis) meet(id event.TaskID, now int64) *task {
	t := a.task(id)
	if t == nil {
		return nil
	}
	if t.state == unmet {
		a.greet(t, now)
		a.comesUp(id, t, now)
	} else if t.ahead && t.books.start.Time <= now {
		a.catchUp(id, t)
	}
	return t
}

// greet begins a task's first period.
func (a *Analysis) greet(t *task, now int64) {
	t.state, t.left = unknown, leftUnknown
	t.from, t.woken, t.in, t.early, t.died = now, never, never, never, never
	t.movedAsleep = never
	t.cpu = never
	t.born = now
	if b := t.books; b != nil && b.started {
		if t.ahead = b.start.Time > now; !t.ahead {
			t.born = b.start.Time
			t.adopt(&b.start)
		}
	}
}

// catchUp is for a task whose events began before the snapshot, once it is time for that. What
// events have told is better, unless they have not told what it does, or some were lost.
func (a *Analysis) catchUp(id event.TaskID, t *task) {
	t.ahead = false
	s := &t.books.start
	var same bool
	switch t.state {
	case running:
		same = s.Activity == event.OnCPU
	case ready:
		same = s.Activity == event.Runnable
	case blocked:
		same = s.Activity == event.Blocked
	case gone:
		return
	}
	if _, _, lost := a.lostAny.within(t.born, s.Time); t.state == unknown || lost && !same {
		a.murky(id, t, s.Time, 0, false)
		t.begun(s.Time, unknown, leftUnknown, event.NoTask)
		t.adopt(s)
	}
}

// adopt begins a period with what the snapshot says.
func (t *task) adopt(s *event.Snapshot) {
	t.from, t.seen = s.Time, false
	t.cpu = int32(s.CPU)
	if s.Activity != event.OnCPU && s.Activity != event.Runnable &&
		s.State&(event.StateDead|event.StateExitDead|event.StateExitZombie) != 0 {
		t.state, t.died = gone, s.Time // a zombie
		return
	}
	switch s.Activity {
	case event.OnCPU:
		t.state, t.left, t.in = running, leftNot, s.Time
	case event.Runnable:
		t.state, t.left = ready, leftReady
	case event.Blocked:
		t.state, t.left = blocked, leftBlocked
	}
	if s.Activity == event.Runnable || s.Activity == event.Blocked {
		t.exec, t.execKnown = uint32(s.Exec), true // of a running task it lags behind
	}
}

func (a *Analysis) onSwitch(e *event.Event, now int64) {
	c := a.cpu(int(e.CPU))
	a.switches++
	if a.o.Ctxt != nil {
		a.countCtxt(now)
	}
	sound := false
	var prev, next *task
	comes := a.peek(e.Other)
	stale := a.stale(c, e, comes, now)
	lag := a.lag(c, e, comes, now, stale)
	if e.Task.Idle() || e.Other.Idle() {
		a.staleIdle += stale
	}
	if e.Task >= 0 && a.about(e.Flags, event.FlagTaskTraced) {
		if prev = a.meet(e.Task, now); prev != nil {
			told := prev.lagByExec(e, now)
			if sound = a.out(prev, e, c, now); sound {
				lag = min(lag, told)
			}
			prev.staleOut += stale
		}
	}
	if e.Other >= 0 && a.about(e.Flags, event.FlagOtherTraced) {
		if next = a.meet(e.Other, now); next != nil {
			a.enter(next, e, now)
			next.staleIn += stale
		}
	}
	edges(prev, next, lag)
	c.switched(a, prev, e, now, sound)

	// The one that comes leaves the queue before the one that goes may join it.
	if next != nil {
		a.unplace(next, now)
	}
	if prev != nil {
		if prev.state == ready {
			a.place(prev, e.Task, int32(e.CPU), now)
		} else {
			a.unplace(prev, now)
		}
	}
	a.queue.settle(a, now, e.Task)
}

// out ends a task's period and begins the next. It reports whether the kernel's counters say that
// nothing is missing.
func (a *Analysis) out(t *task, e *event.Event, c *cpu, now int64) bool {
	in := a.in(now)
	t.traced, t.leaves, t.prio = true, true, e.Prio
	if t.state == gone {
		a.strange++
		return false
	}
	voluntary := e.Flags&event.FlagVoluntary != 0
	first := !t.indexed
	missing, counted := t.index(e, voluntary)
	if first && !missing {
		// Without a switch before, the counters cannot tell what a loss has taken.
		_, _, missing = a.lostAny.within(t.from, now)
	}
	voluntary = counted
	if voluntary && e.State == 0 && in {
		t.SignalledSwitches++
	}
	inverted := t.twice && t.twiceCPU == int32(e.CPU)
	if t.twice && !inverted {
		t.doubt = true
	}
	a.endPeriod(t, e, c, now, missing, inverted)

	if in {
		if voluntary {
			t.Switches.Voluntary++
		} else {
			t.Switches.Involuntary++
			if e.Flags&event.FlagYield != 0 {
				t.Switches.Yields++
			}
		}
		if e.Flags.PageTable() == event.Lazy {
			t.Switches.Lazy++
		}
	}
	if e.State&(event.StateDead|event.StateExitDead|event.StateExitZombie) != 0 {
		t.exiting = true
	}
	to := t.cpu
	t.cpu = int32(e.CPU)
	if voluntary {
		t.forced = false
	}
	switch {
	case e.State&event.StateDead != 0:
		t.begun(now, gone, leftBlocked, event.NoTask)
		t.died = now
		if in {
			t.Exits++
		}
	case e.Flags&event.FlagPreempt == 0 && e.State != 0:
		t.begun(now, blocked, leftBlocked, event.NoTask)
	case voluntary:
		t.begun(now, ready, leftSignalled, event.NoTask)
	case e.Flags&event.FlagYield != 0:
		t.begun(now, ready, leftYielded, event.NoTask)
	default:
		t.begun(now, ready, leftPreempted, e.Other)
		t.halfway = e.State != 0
	}
	if inverted && t.state != gone {
		// It came to the other CPU at a time that seemed earlier.
		if in {
			t.NegativeIntervals++
		}
		if t.state == blocked {
			a.unwoken(t, now)
		}
		t.state, t.in, t.cpu = running, now, to
	}
	return !missing
}

// enter puts a task on a CPU.
func (a *Analysis) enter(t *task, e *event.Event, now int64) {
	in := a.in(now)
	t.traced, t.prio = true, e.OtherPrio
	if in {
		switch e.Flags.PageTable() {
		case event.AddressSpace:
			t.Switches.AddressSpace++
		case event.Thread:
			t.Switches.Thread++
		case event.Kept:
			t.Switches.Kept++
		}
	}
	switch t.state {
	case gone:
		a.strange++
		return
	case running:
		switch {
		case !t.seen && t.left == leftNot && t.cpu == int32(e.CPU):
			// The snapshot was taken in the middle of this switch.
			t.Unknown += time.Duration(a.clip(t.from, now))
			t.delayUnknown = true
			t.from, t.in, t.left = now, now, leftUnknown
		case t.cpu != int32(e.CPU) && !t.twice:
			t.twice, t.twiceCPU = true, t.cpu
		default:
			t.doubt = true
		}
		t.cpu = int32(e.CPU)
		return
	case blocked:
		a.unwoken(t, now)
	}
	t.in = now
	t.cpu = int32(e.CPU)
	t.state = running
	a.arrive(e.Other, t, now)
	t.early = never
}
