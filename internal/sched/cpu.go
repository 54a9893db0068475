package sched

import "switchyard/trace/event"

// cpu is what is kept of one CPU.
type cpu struct {
	current event.TaskID
	prio    uint8 // of current
	known   bool  // current is
	since   int64 // the last switch
	begun   int64 // since when it is online, or the window open: whoever leaves first came before
	heard   int64 // the last event on it; or never
	off     int64 // since when it is offline; never: it is not
	// The last event on this CPU was a waking of that task, by whoever.
	waking, wakingBy event.TaskID

	busy, idle, unknown, offline int64 // ns inside the window
	switches                     uint64
	// of switches with a known one before: those that fit, those that do not
	links, breaks uint64
	brokenByLoss  uint64
	// and those whose prev was not seen to come, because the kernel hides the task before it
	hidden uint64
	// the last waking to its queue since its last switch, and what that was before
	woken, wokenBefore waking

	// The queue.
	waiting   int
	queueFrom int64        // since when there are so many
	placed    event.TaskID // whose coming made them so many
	queueLen  lengths
	class     class
	dirty     bool
}

// switched follows a switch. sound: the counters of the task that leaves show that it was there all
// the time.
func (c *cpu) switched(a *Analysis, prev *task, e *event.Event, now int64, sound bool) {
	c.waking = event.NoTask
	c.woken.passes(e.Other, now)
	if a.in(now) {
		c.switches++
	}
	if a.o.All {
		c.account(a, prev, e, now, sound)
	}
	c.current, c.prio, c.known, c.since = e.Other, e.OtherPrio, true, now
	a.queue.touch(a, int(e.CPU))
}

// account adds up what the CPU did since its last switch.
func (c *cpu) account(a *Analysis, prev *task, e *event.Event, now int64, sound bool) {
	since := c.since
	if !c.known {
		since = c.begun // what was lost before it came back is over
	}
	first, last, lost := a.lostOn(int32(e.CPU)).within(since, now)
	fits := !c.known || c.current == e.Task
	// Of a task that the kernel hides the switches to it are shown, but not those away from it.
	hidden := false
	if !fits && !lost {
		t := a.task(c.current)
		if hidden = t != nil && !t.leaves; hidden && a.seemsHidden(t) {
			a.stays.add(hiddenStay{c.current, c.since, now})
		}
	}
	switch {
	case lost && !(sound && c.known && fits):
		if c.known {
			c.spend(a, int(e.CPU), c.current, c.since, first)
		} else {
			first = c.begun
		}
		c.unknown += a.clip(first, last)
		c.spend(a, int(e.CPU), e.Task, last, now)
	case !c.known:
		// There was no switch before: it ran from the beginning.
		c.spend(a, int(e.CPU), e.Task, c.begun, now)
	case fits:
		c.spend(a, int(e.CPU), e.Task, c.since, now)
	case hidden && prev != nil && sound:
		c.spend(a, int(e.CPU), e.Task, c.since, now) // there was nothing but the two
	default:
		c.unknown += a.clip(c.since, now)
	}
	if c.known && a.in(now) {
		switch {
		case fits:
			c.links++
		case hidden:
			c.hidden++
		case lost:
			c.brokenByLoss++
		default:
			c.breaks++
		}
	}
}

// spend adds time with one task.
func (c *cpu) spend(a *Analysis, number int, id event.TaskID, from, to int64) {
	d := a.clip(from, to)
	if !id.Idle() {
		c.busy += d
		return
	}
	c.idle += d
	if d > 0 && a.o.Interval != nil {
		inside := from >= a.w.Open && to < a.w.Close
		a.interval = Interval{Task: id, From: from, To: to, CPU: number, By: event.NoTask,
			Whole: inside && c.known}
		a.o.Interval(&a.interval)
	}
}

// finish adds up what the CPU did after its last switch. on: the snapshot found a task on it, if it
// had no switch at all.
func (c *cpu) finish(a *Analysis, number int, on, snapshots bool) {
	if c.off >= 0 {
		return
	}
	current, from := c.current, c.since
	if !c.known {
		from = c.begun
		switch {
		case on:
			current = 0 // some task
		case snapshots:
			current = event.Idle(number)
		default:
			c.unknown += a.clip(from, a.w.Close)
			return
		}
	}
	to := a.w.Close
	if first, _, lost := a.lostOn(int32(number)).within(from, to); lost {
		c.unknown += a.clip(first, to)
		to = first
	}
	if to > from {
		c.spend(a, number, current, from, to)
	}
}

// until adds up what the CPU did after its last switch, to a time at which it goes offline.
func (c *cpu) until(a *Analysis, number int, to int64) {
	from := c.begun
	if c.known {
		from = to
		if first, _, lost := a.lostOn(int32(number)).within(c.since, to); lost {
			from = first
		}
		if from > c.since {
			c.spend(a, number, c.current, c.since, from)
		}
	}
	c.unknown += a.clip(from, to)
}

// countCtxt counts switches between the two readings of ctxt.
func (a *Analysis) countCtxt(now int64) {
	r := a.o.Ctxt
	if now > r[0].After && now < r[1].Before {
		a.ctxt[0]++
	}
	if now >= r[0].Before && now <= r[1].After {
		a.ctxt[1]++
	}
}
