package sched

import (
	"time"

	"switchyard/trace/event"
)

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
