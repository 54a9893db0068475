package sched

import (
	"switchyard/trace/event"
)

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
