package sched

import "switchyard/trace/event"

// stopper is the priority of a CPU's stopper thread, migration/N: the highest there is
// (sched_set_stop_task in kernel/sched/core.c), which a task of SCHED_FIFO 99 shares.
const stopper = 0

// realTime is the first priority that is not real-time.
const realTime = 100

func (a *Analysis) onMigrate(e *event.Event, now int64) {
	c := a.cpu(int(e.CPU))
	atWakeup := c.waking == e.Task && c.wakingBy == whoever(e)
	c.waking = event.NoTask
	if !a.about(e.Flags, event.FlagTaskTraced) {
		return
	}
	t := a.meet(e.Task, now)
	if t == nil {
		return
	}
	t.traced = true
	in := a.in(now)
	if in {
		t.Migrations.Total++
	}
	var count *uint64
	m := &t.Migrations
	switch {
	case t.state == fresh:
		count = &m.AtFork
	case atWakeup:
		// With interrupts off from the waking to the choice of the CPU, nothing can come in
		// between.
		count = &m.AtWakeup
	case e.Flags.Interrupt():
		count = &m.Balancing
	case e.Other >= 0 && c.current == e.Other && c.prio == stopper:
		count = &m.Forced
		t.forced, t.forcedIn = true, in
	case e.Value == int64(e.CPU) || e.Other.Idle() || t.prio < realTime && t.prio > stopper:
		count = &m.Balancing
	default:
		count = &m.Forced
	}
	if in {
		*count++
	}
	to := cpuOf(e.Value, t.cpu)
	switch t.state {
	case blocked:
		if !atWakeup && t.movedAsleep < 0 {
			t.movedAsleep = now
		}
	case ready:
		a.move(t, e.Task, to, now, atWakeup)
		if atWakeup {
			a.wakesNot(e.Task, t.cpu)
			t.enqueuing = a.wakes(e, to, now)
		} else {
			a.wakes(e, to, now)
			t.moved++
		}
		a.queue.settle(a, now, e.Task)
	case running: // the task itself may have a waking under way, or be on the stopper's list
		return
	}
	t.cpu = to
}
