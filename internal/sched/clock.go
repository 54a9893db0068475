package sched

import "switchyard/trace/event"

// The kernel has a clock for each CPU, by which it takes what tasks run and wait, and brings it up
// to date when a switch begins. But a waking that is to preempt the one that runs brings the clock
// up to date, and the switch that it leads to does without (rq_clock_skip_update in
// kernel/sched/core.c). The switch can be long in coming: lazy preemption waits for the tick, and a
// hypervisor may come in between.

// tick is the longest such a clock stands still while a task runs: HZ may be 100.
const tick = 10_000_000

// waking is one to a CPU's queue, or a move there.
type waking struct {
	at    int64 // never: there was none
	first int64 // of those since the last switch
	here  bool  // by the CPU itself: it was over when the next switch began
	task  event.TaskID
	until int64 // by then the task is on the queue
}

var noWaking = waking{at: never, task: event.NoTask}

// passes brings it over a switch to a task.
func (w *waking) passes(next event.TaskID, now int64) {
	if w.until > now && w.task != next {
		w.at, w.first = now, now // it may come to the queue only after this switch
		return
	}
	*w = noWaking
}

// wakes notes that an event puts a task on a CPU's queue, and returns how long that can take if it
// is a waking.
func (a *Analysis) wakes(e *event.Event, number int32, now int64) int64 {
	if number < 0 {
		return enqueuingIdle
	}
	c := a.cpu(int(number))
	w := waking{at: now, first: now, here: number == int32(e.CPU), task: e.Task}
	if c.woken.at >= 0 {
		w.first = c.woken.first
	}
	d := enqueuingIdle
	switch {
	case w.here:
		d = enqueuing
	case c.known && c.current >= 0 && a.recorded(c.current):
		d = enqueuingRemote
	}
	w.until = now + d
	c.wokenBefore, c.woken = c.woken, w
	return d
}

// wakesNot takes back a waking to the queue of a CPU: another one was chosen.
func (a *Analysis) wakesNot(id event.TaskID, number int32) {
	if number < 0 {
		return
	}
	if c := a.cpu(int(number)); c.woken.task == id {
		c.woken = c.wokenBefore
	}
}

// stale returns how far the CPU's clock may lag behind at a switch. It is not behind the last
// waking to its queue; or, while that one may still be on its way there, behind the first.
func (a *Analysis) stale(c *cpu, e *event.Event, next *task, now int64) int64 {
	since := c.woken.at
	if !c.woken.here && c.woken.until > now {
		since = c.woken.first
	}
	if len(a.lostAny) > 0 {
		if _, _, lost := a.lostAny.within(c.since, now); lost {
			since = c.since
		}
	}
	switch {
	case since >= 0 || e.Other.Idle():
	case next == nil || next.state == unmet || next.state == unknown ||
		!a.o.All && e.Flags&event.FlagVoluntary == 0:
		// The waking that led to it is not known.
		since = c.since
	case next.state == blocked:
		// It was not seen, or taken for another, for it came before the task had left.
		since = max(c.since, next.from)
	}
	if since < 0 {
		return 0
	}
	return min(now-since, tick)
}

// lag returns how far the CPU's clock may lag behind at a switch, by the time the next task has
// been chosen.
func (a *Analysis) lag(c *cpu, e *event.Event, next *task, now, stale int64) int64 {
	switch {
	case stale > 0 && c.woken.here:
		return stale
	case e.Task >= 0 && !a.about(e.Flags, event.FlagTaskTraced):
		// Somebody of whom nothing is known may have woken another one, and slept at once.
		return max(stale, unseen)
	case stale == 0 && e.Flags&event.FlagVoluntary == 0 && !e.Task.Idle():
		return choosing + cold // out of the tick
	case next != nil && next.state == ready:
		return max(stale, choosing+chill(now-max(next.from, next.woken)))
	}
	return max(stale, choosing)
}

// lagByExec returns the same of a switch away from the task, by what the clock has of the task's
// time on the CPU: it is as far behind as when the task came, and by what that time is short of the
// one between the two. The clock's own leaves out interrupts and what a hypervisor takes, which
// makes this larger.
func (t *task) lagByExec(e *event.Event, now int64) int64 {
	if t.state != running || t.left == leftNot || t.in < 0 || !t.execKnown || t.twice {
		return tick
	}
	span := now - t.in
	lag := t.cameAt.lag + span - t.execIn(span, uint32(e.Value)) + span/slewed
	if lag < -choosing {
		return tick // it was further behind than was thought when the task came
	}
	return max(lag, 0)
}
