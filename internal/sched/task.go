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

// begun begins a period at a switch-out.
func (t *task) begun(now int64, s state, l left, by event.TaskID) {
	if t.before = t.in; t.in < 0 {
		t.before = t.from
	}
	t.from, t.woken, t.in = now, never, never
	t.state, t.left, t.by = s, l, by
	t.seen, t.doubt, t.earlyUsed, t.unseenWaking, t.twice, t.halfway = true, false, false, false,
		false, false
	t.moved, t.movedAsleep = 0, never
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

// endPeriod adds up the period that a switch away ends.
func (a *Analysis) endPeriod(t *task, e *event.Event, c *cpu, now int64, missing, inverted bool) {
	exec := uint32(e.Value)
	on, known := t.ran(exec, t.from, now)
	if t.left == leftUnknown && t.in < 0 && t.woken >= 0 {
		a.unwake(t)
	}
	switch {
	case missing || t.doubt || t.state == unknown:
		a.murky(e.Task, t, now, on, known)
	case t.in >= 0:
		if t.left != leftNot && t.execKnown && !inverted && a.in(t.in) && a.in(now) {
			t.account(now-t.in, exec)
		}
		a.period(e.Task, t, now, int32(e.CPU), true, false)
	default:
		if a.in(now) {
			t.UnseenSwitches++
		}
		if c.known {
			// It came once, to this CPU, and that had another one then: however long it slept
			// before, it cannot have run since.
			on, known = t.ran(exec, c.since, now)
		}
		if !known {
			a.murky(e.Task, t, now, 0, false)
			break
		}
		t.in = now - on
		if c.known {
			t.in = max(t.in, c.since) // another one came to the CPU then
		}
		t.staleIn += tick
		t.staleOut += tick
		if t.woken > t.in {
			a.unwake(t)
			t.noWaking(a.in(t.in))
		} else if t.state == blocked {
			a.unwoken(t, t.in)
		}
		a.period(e.Task, t, now, int32(e.CPU), true, true)
	}
	t.exec, t.execKnown = exec, true
}

// unwake takes back the waking of a task that turns out to have been on a CPU already.
func (a *Analysis) unwake(t *task) {
	if t.early < 0 {
		t.early, t.earlyBy, t.earlyInherited = t.wakingAt, t.by, t.chain.inherited
	}
	if a.in(t.wakingAt) {
		t.Wakeups--
		if interrupts(t.by) {
			t.WakeupsByInterrupt--
		}
		t.SpuriousWakeups++
	}
	t.woken, t.state = never, unknown
	t.chain.n, t.chain.inherited = 0, 0
}

// index compares the task's counters in the event with those of its switch before. It reports
// whether switches in between are missing, and whether the kernel counted this one as voluntary.
func (t *task) index(e *event.Event, voluntary bool) (missing, counted bool) {
	var dv, di int64
	first := !t.indexed
	if first {
		t.indexed = true
		b := t.books
		if b == nil || !b.started {
			// Where its counters began is not known: nothing can be missing, and nothing be
			// checked.
			t.nvcsw, t.nivcsw = e.NVCSW, e.NIVCSW
			return false, voluntary
		}
		// The snapshot may be the later one.
		dv = int64(int16(e.NVCSW - uint16(b.start.NVCSW)))
		di = int64(int16(e.NIVCSW - uint16(b.start.NIVCSW)))
	} else {
		dv, di = int64(e.NVCSW-t.nvcsw), int64(e.NIVCSW-t.nivcsw)
	}
	t.nvcsw, t.nivcsw = e.NVCSW, e.NIVCSW
	t.sinceNV += dv
	t.sinceNIV += di
	counted = voluntary
	if max(dv, di) > 0 && min(dv, di) <= 0 {
		counted = dv > 0 // this switch is one of them
	}
	if counted {
		if t.sinceNV > 0 && t.sinceNV <= t.limit(true) && dv > 0 {
			t.TracedVoluntary++
		}
		dv--
	} else {
		if t.sinceNIV > 0 && t.sinceNIV <= t.limit(false) && di > 0 {
			t.TracedInvoluntary++
		}
		di--
	}
	if first && t.from < t.books.start.Time {
		return false, counted // the snapshot is no part of this period
	}
	return max(dv, 0)+max(di, 0) > 0, counted
}

// limit returns how far the end snapshot lets a counter go.
func (t *task) limit(voluntary bool) int64 {
	b := t.books
	switch {
	case b == nil || !b.ended:
		return latest
	case voluntary:
		return int64(b.end.NVCSW - b.start.NVCSW)
	}
	return int64(b.end.NIVCSW - b.start.NIVCSW)
}

// ran returns how long the task ran in its period, by the kernel's own books, if it can have been
// on a CPU since a time.
func (t *task) ran(exec uint32, since, now int64) (ns int64, known bool) {
	d := now - max(t.from, since)
	if !t.execKnown || d >= 1<<32 {
		return 0, false // it may have gone round
	}
	return min(int64(exec-t.exec), d), true
}

// account puts a span on a CPU beside what the kernel's books have for it: only the low 32 bits,
// but the rest must be the same.
func (t *task) account(span int64, exec uint32) {
	t.ExecTraced += time.Duration(span)
	t.ExecKernel += time.Duration(t.execIn(span, exec))
}

// execIn is what the kernel's books have for a span, up to exec.
func (t *task) execIn(span int64, exec uint32) int64 {
	d := int64(exec - t.exec)
	return d + (span-d+1<<31)>>32<<32
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

// unwoken is for a task that comes back to a CPU at a time, and no waking was seen after it left.
func (a *Analysis) unwoken(t *task, now int64) {
	if t.early < 0 {
		t.noWaking(a.in(now))
		return
	}
	// Then the one that came while it was leaving is the one.
	t.woken, t.wakingAt, t.by, t.earlyUsed = t.from, t.early, t.earlyBy, true
	if a.in(t.early) {
		t.SpuriousWakeups--
		a.countWakeup(t, t.by)
		t.EarlyWakeups++
	}
	t.chain.inheritEarly(t.earlyBy, t.earlyInherited)
	t.early = never
}

func (t *task) noWaking(in bool) {
	t.unseenWaking = true
	if in {
		t.UnseenWakings++
	}
}

func (a *Analysis) countWakeup(t *task, by event.TaskID) {
	t.Wakeups++
	if interrupts(by) {
		t.WakeupsByInterrupt++
	}
}

func (a *Analysis) onWaking(e *event.Event, now int64) {
	c := a.cpu(int(e.CPU))
	c.waking = event.NoTask
	if !a.about(e.Flags, event.FlagTaskTraced) {
		return
	}
	t := a.meet(e.Task, now)
	if t == nil {
		return
	}
	t.traced = true
	switch t.state {
	case blocked, unknown:
		t.state, t.woken, t.wakingAt, t.by = ready, now, now, whoever(e)
		t.prio = e.Prio
		t.early = never
		if a.in(now) {
			a.countWakeup(t, t.by)
		}
		a.inherit(e.Task, t, t.by)
		a.place(t, e.Task, cpuOf(e.Value, t.cpu), now)
		t.enqueuing = a.wakes(e, cpuOf(e.Value, t.cpu), now)
		a.queue.settle(a, now, e.Task)
		c.waking, c.wakingBy = e.Task, t.by
		return
	case running, ready: // if it is not already on a CPU, unseen
		if t.state == ready {
			a.wakes(e, t.cpu, now) // it is asked once more whether it is to preempt
		}
		t.early, t.earlyBy = now, whoever(e)
		t.earlyInherited = a.inherited(t.earlyBy)
		c.waking, c.wakingBy = e.Task, t.earlyBy // the waker may go on to choose a CPU
	case gone:
		a.strange++
		return
	}
	if a.in(now) {
		t.SpuriousWakeups++
	}
}

// cpuOf returns the CPU an event's Value names, or another one if it names none.
func cpuOf(value int64, other int32) int32 {
	if value < 0 || value > 1<<16-1 {
		return other
	}
	return int32(value)
}

func (a *Analysis) onNew(e *event.Event, now int64) {
	a.cpu(int(e.CPU)).waking = event.NoTask
	if m := a.task(e.Other); m != nil && a.in(now) {
		if e.Flags&event.FlagThread != 0 {
			m.Threads++
		} else {
			m.Forks++
		}
	}
	t := a.task(e.Task)
	if t == nil {
		return
	}
	if t.state != unmet {
		a.strange++
		return
	}
	a.greet(t, now)
	a.bear(t, now)
	t.state = fresh
}

// bear makes the task a new one: its counters begin at 0.
func (a *Analysis) bear(t *task, now int64) {
	t.begun(now, ready, leftNew, event.NoTask)
	t.born, t.bornSeen = now, true
	t.nvcsw, t.nivcsw, t.sinceNV, t.sinceNIV, t.indexed = 0, 0, 0, 0, true
	if b := t.books; b != nil && b.started {
		t.sinceNV, t.sinceNIV = -int64(b.start.NVCSW), -int64(b.start.NIVCSW)
	}
	t.exec, t.execKnown = 0, true
}

// onWakeNew begins a task's life.
func (a *Analysis) onWakeNew(e *event.Event, now int64) {
	c := a.cpu(int(e.CPU))
	c.waking = event.NoTask
	if !a.about(e.Flags, event.FlagTaskTraced) {
		return
	}
	t := a.task(e.Task)
	if t == nil {
		return
	}
	t.traced = true
	if t.state == unmet {
		a.greet(t, now)
	}
	if t.state != fresh && t.state != unknown {
		a.strange++
		return
	}
	a.bear(t, now)
	t.cpu = cpuOf(e.Value, int32(e.CPU))
	if t.cpu != int32(e.CPU) && a.in(now) {
		t.Migrations.ForkedAway++
	}
	a.inherit(e.Task, t, whoever(e))
	a.place(t, e.Task, t.cpu, now)
	a.wakes(e, t.cpu, now)
	a.queue.settle(a, now, e.Task)
}

// onFree ends the life of a task whose last switch was not seen.
func (a *Analysis) onFree(e *event.Event, now int64) {
	a.cpu(int(e.CPU)).waking = event.NoTask
	t := a.task(e.Task)
	if t == nil || t.state == gone || t.state == unmet {
		return
	}
	a.murky(e.Task, t, now, 0, false)
	a.unplace(t, now)
	t.begun(now, gone, leftBlocked, event.NoTask)
	t.died = now
	if a.in(now) {
		t.Exits++
	}
}

func (a *Analysis) onExec(e *event.Event, now int64) {
	a.cpu(int(e.CPU)).waking = event.NoTask
	t := a.task(e.Task)
	if t == nil {
		return
	}
	if a.in(now) {
		t.Execs++
	}
	if t.forced {
		if t.forcedIn {
			t.Migrations.Forced--
			t.Migrations.AtExec++
		}
		t.forced = false
	}
}
