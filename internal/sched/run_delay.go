package sched

import (
	"fmt"
	"time"

	"switchyard/internal/words"
	"switchyard/trace/event"
)

// The kernel's run_delay and the waits that events tell of are times on the same queues, taken at
// other moments (kernel/sched/stats.h, core.c):
//
//	a wait        of events                  of the kernel
//	begins with   a waking, when it is       when the task is put on the queue: its CPU has been
//	              under way                  chosen by then, and that CPU's lock taken
//	              a new task's waking,       the same, a moment before
//	              when it is over
//	              a switch away              the queue's clock at that switch
//	ends with     the switch to it           the queue's clock at that switch
//
// The queue's clock is read when a switch begins; its event comes when the next task has been
// chosen. Only after a waking that is to take the CPU from the task that runs, or that ends an idle
// time, the switch does without (rq_clock_skip_update): to the kernel the one left and the other
// came when that was woken, which then has not waited at all. What a task waits on its way from one
// queue to another is not in the kernel's. A task on its way to sleep that loses the CPU waits only
// from when it is moved; and one that sleeps, but is still on a queue (6.12), does so if it is
// moved.
//
// So each wait has bounds within which the kernel's must lie, and so have their sums.
const (
	// From the waking to the queue: of the waker's own CPU; of another, which may have to do it
	// itself; of one that is idle, and has to come out of that first. Measured in a virtual
	// machine: 0.25 to 0.4 µs, 1.3 µs and 27 µs as a mean over many.
	enqueuing       = int64(time.Microsecond)
	enqueuingRemote = 10 * int64(time.Microsecond)
	enqueuingIdle   = 100 * int64(time.Microsecond)
	// From the clock to the switch's event: 0.07 to 0.65 µs.
	choosing = int64(time.Microsecond)
	// The same after a waking that is not recorded: 1.8 µs, for who is to be preempted can go to
	// sleep just then.
	unseen = 10 * int64(time.Microsecond)
	// How much longer both take where others have filled the caches meanwhile: up to 1.2 µs as a
	// mean over a task's waits, on a machine with twenty tasks that want each of its CPUs.
	cold = 2 * int64(time.Microsecond)
	// From one queue to another: 12 µs as a mean, for the balancer moves many at once.
	moving = 50 * int64(time.Microsecond)
	// A hypervisor takes the CPU away; what of it is known, in /proc/stat, is rounded.
	exit      = 50 * int64(time.Microsecond)
	stealUnit = 10 * int64(time.Millisecond)
	// Our clock is slewed, up to 0.05 % (adjtimex(2)); the kernel's is not.
	slewed = 2000
	// A snapshot is not of one moment: a wait that ended so near to it may be in it or not.
	nearSnapshot = 100 * int64(time.Microsecond)
)

// chill returns how much longer it takes with a task that has waited for so long.
func chill(wait int64) int64 { return min(wait/16, cold) }

// delay is what is known of a sum of waits, ns.
type delay struct {
	took      int64 // by the events
	low, high int64 // by the kernel, at least and at most
}

func (d *delay) add(o delay) {
	d.took += o.took
	d.low += o.low
	d.high += o.high
}

// edge is a switch, as one end of a wait.
type edge struct {
	lag int64 // by how much the queue's clock can be behind it
	// the other task of the switch is in the check too: what one's wait is the longer for, the
	// other's is the shorter
	paired bool
}

// delays reports whether the kernel's run_delay of the task is known from one end of the recording
// to the other.
func (t *task) delays() bool {
	b := t.books
	if b == nil {
		return false
	}
	if over := b.over(); over == nil || !over.HasRunDelay {
		return false
	}
	// The first wait of one that was found waiting began before the snapshot.
	return !t.delayUnknown && (t.bornSeen ||
		b.started && b.start.HasRunDelay && b.start.Activity != event.Runnable)
}

// over returns the books as they were read last, nil if they were not: after the window, or at the
// task's last switch.
func (b *books) over() *event.Snapshot {
	switch {
	case b.ended:
		return &b.end
	case b.closed:
		return &b.last
	}
	return nil
}

// edges notes what is known of the clock at a switch, for the waits that begin and end with it.
func edges(prev, next *task, lag int64) {
	paired := prev != nil && next != nil && prev.state == ready && !prev.halfway && prev.delays() &&
		next.delays() && (next.woken >= 0 || next.left != leftBlocked && next.left != leftUnknown)
	if prev != nil {
		prev.leftAt = edge{lag, paired}
	}
	if next != nil {
		next.cameAt = edge{lag, paired}
	}
}

// waited adds a wait that is over to what the kernel's must lie between. seen: both ends were.
func (a *Analysis) waited(t *task, from, to int64, seen bool) {
	d := to - from
	one := delay{took: d, low: d, high: d}
	all := one
	switch woken := t.woken >= 0; {
	case t.left == leftNew:
		one.high += exit // it is on the queue before its event
		all.high += exit
	case woken:
		after := t.enqueuing
		if t.earlyUsed {
			after = enqueuingRemote // once it has left
		}
		one.low -= after
		all.low -= after
	default:
		one.high += t.leftAt.lag
		if !t.leftAt.paired {
			all.high += t.leftAt.lag
		}
		if t.halfway {
			one.low, all.low = 0, 0
		}
	}
	later := moving*int64(t.moved) + chill(d)
	one.low -= t.cameAt.lag + later
	all.low -= later
	if !t.cameAt.paired {
		all.low -= t.cameAt.lag
	}
	if !seen {
		one.low, all.low = 0, 0
		one.high += tick
		all.high += tick
	}
	one.low, all.low = max(one.low, 0), max(all.low, 0)
	if b := t.books; b != nil {
		if b.ended && t.moved > 0 && from < b.end.Time && b.end.Time < to {
			t.maybe(b.end.Time - from) // up to the last move before it was read
		}
		if !b.counts(to, &one) {
			return
		}
		b.counts(to, &all)
	}
	t.delay.add(one)
	t.delayAll.add(all)
}

// counts takes from a wait what the snapshots say is not in the kernel's, and reports whether
// anything may be.
func (b *books) counts(to int64, d *delay) bool {
	if b.started {
		switch gap := to - b.start.Time; {
		case gap < -nearSnapshot:
			return false
		case gap <= 0:
			d.took, d.low = 0, 0
		case gap < nearSnapshot:
			d.low = 0
		}
	}
	if b.ended {
		switch gap := b.end.Time - to; {
		case gap < -nearSnapshot:
			return false
		case gap < 0:
			d.took, d.low = 0, 0
		case gap < nearSnapshot:
			d.low = 0
		}
	}
	return true
}

// maybe adds a time that the kernel may have taken for a wait.
func (t *task) maybe(ns int64) {
	t.delay.high += max(ns, 0)
	t.delayAll.high += max(ns, 0)
}

// runDelay compares run-queue time.
func (c *checker) runDelay(a *Analysis, id event.TaskID, t *task) {
	if a.stranded(id) {
		return // it is left out by name
	}
	if !a.delays || !t.delays() {
		c.delay.leftOut++
		return
	}
	c.delayTasks++
	b := t.books
	kernel := int64(b.over().RunDelay - b.start.RunDelay) // at birth it is 0
	c.delay.traced += uint64(t.delay.took)
	c.delay.kernel += uint64(kernel)
	kernel = min(max(kernel, -latest), latest) // counters that go back fail below
	c.delayAll.add(t.delayAll)
	if t.state == ready && t.leftAt.paired {
		c.delayAll.low -= t.leftAt.lag // it is still waiting: nothing was added
	}
	low, high := t.delay.bounds(kernel)
	what := fmt.Sprintf("traced %v, kernel %v, which is not between %v and %v",
		dur(t.delay.took), dur(kernel), dur(low), dur(high))
	switch {
	case kernel < low:
		c.delayBelow += low - kernel
		c.delay.blame(a, id, what)
	case kernel > high:
		c.delayAbove += kernel - high
		c.delay.blame(a, id, what)
	}
}

// bounds returns between what the kernel's sum lies, if no hypervisor took a CPU away for long.
func (d *delay) bounds(kernel int64) (low, high int64) {
	slack := kernel/slewed + exit
	return max(d.low-slack, 0), d.high + slack
}

// checkDelay returns the verdict. What a hypervisor took is known to 10 ms (USER_HZ), and not from
// whom: tasks may have less than their bounds by that, all together. That was seen, three tasks of
// 860 on a machine with too much to do, by 0.3 ms at most. More than their bounds none had.
func (c *checker) checkDelay(a *Analysis) event.Check {
	check := event.Check{Name: "run_delay", Status: event.Pass, Traced: c.delay.traced,
		Kernel: c.delay.kernel}
	if c.delayTasks == 0 {
		check.Status = event.Unavailable
		check.Reason = "the kernel does not keep it (CONFIG_SCHED_INFO)"
		if a.delays {
			check.Reason = "of no task were the kernel's books read at both ends"
		}
		return check
	}
	kernel, steal := int64(c.delay.kernel), int64(a.o.Steal)
	low, high := c.delayAll.bounds(kernel)
	switch {
	case c.delayBelow > steal+stealUnit || c.delayAbove > steal:
		return c.delay.within("run_delay", a)
	case kernel < low-steal-stealUnit || kernel > high+steal:
		check.Status = event.Fail
		check.Reason = fmt.Sprintf(
			"all tasks together: traced %v, kernel %v, which is not between %v and %v",
			dur(c.delayAll.took), dur(kernel), dur(low), dur(high)) + a.lossNote()
	case c.delay.wrong > 0:
		check.Reason = fmt.Sprintf("%s beyond by %v together, which a hypervisor may have taken",
			words.Count(c.delay.wrong, "task"), dur(c.delayBelow+c.delayAbove))
	case c.delay.leftOut > 0:
		check.Reason = words.Count(c.delay.leftOut, "task") +
			" left out, which waited before they were looked at, or of which the kernel's books " +
			"were not read at both ends"
	}
	return check
}
