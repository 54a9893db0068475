package sched

import (
	"switchyard/trace/event"
)

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
