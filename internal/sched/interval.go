package sched

import "switchyard/trace/event"

// Interval is a time in which a task did one thing, or a CPU was idle.
type Interval struct {
	Task     event.TaskID // Idle(cpu) for an idle CPU, which needs Options.All
	What     Doing
	From, To int64 // ns, CLOCK_BOOTTIME. They may lie outside the window
	CPU      int   // on which it ran, or where it went next; −1: not known
	// By woke the task up, if What is Blocked; took its CPU, if What is Waiting and that is why.
	// Otherwise NoTask. With Interrupt it was an interrupt.
	By        event.TaskID
	Interrupt event.Flags

	Whole   bool // both ends were seen, in the window: it is in a distribution
	Touched bool // a CPU concerned lost events in it
}

// Doing is what a task does in an Interval.
type Doing uint8

const (
	Nothing  Doing = iota // not known
	Running               // on a CPU
	Sleeping              // blocked
	Waiting               // runnable
)

// part is one interval of a period on its way into the sums.
type part struct {
	id       event.TaskID
	t        *task
	what     Doing
	from, to int64
	cpu      int32
	by       event.TaskID
	whole    bool   // both ends were seen
	into     *tally // where it goes if they were in the window
}

// add adds the interval to the task's sums.
func (a *Analysis) add(p *part) {
	if p.from >= a.w.Close || p.from < a.w.Open && p.to <= a.w.Open {
		return
	}
	t := p.t
	d := a.clip(p.from, p.to)
	switch p.what {
	case Running:
		t.OnCPU += dur(d)
	case Sleeping:
		t.Blocked += dur(d)
	case Waiting:
		t.RunQueue += dur(d)
	default:
		t.Unknown += dur(d)
	}
	inside := p.from >= a.w.Open && p.to < a.w.Close
	whole := p.whole && inside
	switch {
	case whole:
		if p.into != nil {
			a.pages.add(p.into, p.to-p.from)
		}
	case !inside && d > 0 && p.what != Nothing:
		t.Censored.Add(dur(d))
	}
	touched := false
	if len(a.lostAny) > 0 && p.what != Nothing {
		l := a.lostAny
		if p.what == Running {
			l = a.lostOn(p.cpu) // nothing that happens elsewhere can end it
		}
		from := p.from
		if p.what == Sleeping && t.unseenWaking {
			from = t.before // its waking may have come early
		}
		_, _, touched = l.within(from, p.to)
		if touched = touched || p.what == Sleeping && t.early == ambiguous; touched {
			t.Touched.Add(dur(d))
		}
	}
	if a.o.Interval != nil {
		a.interval = Interval{Task: p.id, What: p.what, From: p.from, To: p.to, CPU: int(p.cpu),
			Whole: whole, Touched: touched}
		a.interval.By, a.interval.Interrupt = whom(p.by)
		a.o.Interval(&a.interval)
	}
}

// period adds up a task's period up to end: its switch away (out), or the close of the window.
// inferred: when it came to the CPU was not seen.
func (a *Analysis) period(id event.TaskID, t *task, end int64, cpu int32, out, inferred bool) {
	off, came := end, t.in >= 0 // until when it was not on the CPU
	if came {
		off = t.in
	}
	p := part{id: id, t: t, cpu: cpu, by: event.NoTask}
	switch {
	case t.left == leftNot:
	case t.left == leftBlocked || t.left == leftUnknown:
		p.what, p.from, p.to = Sleeping, t.from, t.woken
		p.whole = t.seen && !t.earlyUsed
		p.into = &t.block
		if t.woken < 0 {
			if came {
				t.maybe(off - t.from) // some of it may have been a wait
			}
			p.to, p.whole = off, false
		} else {
			p.by = t.by
			if t.movedAsleep >= 0 {
				t.maybe(t.woken - t.movedAsleep)
			}
		}
		if t.left == leftUnknown {
			p.what, p.whole = Nothing, false
		}
		if p.to > p.from || p.whole {
			a.add(&p)
		}
		if t.woken >= 0 {
			a.wait(&p, t, t.woken, off, came, came && !inferred)
		}
	default:
		a.wait(&p, t, t.from, off, came, came && !inferred)
	}
	if !came {
		return
	}
	p.what, p.from, p.to, p.by, p.into = Running, t.in, end, event.NoTask, &t.onCPU
	p.whole = out && !inferred && t.left != leftNot
	a.add(&p)
	if inferred {
		t.Inferred += dur(a.clip(t.in, end))
	}
}

// wait adds the time on a queue, and tells the matrices who is to blame.
func (a *Analysis) wait(p *part, t *task, from, to int64, came, seen bool) {
	woken := t.woken >= 0
	p.what, p.from, p.to, p.by = Waiting, from, to, event.NoTask
	p.into = &t.other
	p.whole = seen && (t.seen || woken)
	d := a.clip(from, to)
	if woken {
		p.into = &t.wakeup
		a.wakers.add(t.by, p.id, a.once(t.wakingAt), d)
	} else if t.left == leftPreempted && t.seen {
		p.by = t.by
		a.preemptors.add(t.by, p.id, a.once(t.from), d)
	}
	if came {
		a.waited(t, from, to, seen)
	}
	a.add(p)
}

// once returns 1 for a time in the window.
func (a *Analysis) once(at int64) uint64 {
	if a.in(at) {
		return 1
	}
	return 0
}

// murky adds up a period of which switches are missing, or whose events contradict each other. If
// the kernel's books say how long the task ran in it, that much is known.
func (a *Analysis) murky(id event.TaskID, t *task, end, on int64, known bool) {
	if t.woken >= 0 {
		a.wakers.add(t.by, id, a.once(t.wakingAt), 0)
	} else if t.left == leftPreempted && t.seen {
		a.preemptors.add(t.by, id, a.once(t.from), 0)
	}
	t.maybe(end - t.from)
	if !known || t.from < a.w.Open || end >= a.w.Close {
		on = 0 // nobody knows what of it was in the window
	}
	t.OnCPU += dur(on)
	t.Inferred += dur(on)
	t.Unknown += dur(a.clip(t.from, end) - on)
	if a.o.Interval != nil && end >= a.w.Open && t.from < a.w.Close {
		_, _, touched := a.lostAny.within(t.from, end)
		a.interval = Interval{Task: id, From: t.from, To: end, CPU: -1, By: event.NoTask,
			Touched: touched}
		a.o.Interval(&a.interval)
	}
}
