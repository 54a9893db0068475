package sched

import (
	"time"

	"switchyard/trace/event"
	"switchyard/trace/hist"
)

// lengthMax is the longest queue told apart from longer ones.
const lengthMax = 255

// lengths is how long a queue was how long.
type lengths struct {
	ns      []int64 // by length; the last one of all those from lengthMax
	area    float64 // length times ns
	max     int
	unknown int64
}

func (l *lengths) add(n int, d int64) {
	if d <= 0 {
		return
	}
	i := min(n, lengthMax)
	if i >= len(l.ns) {
		l.ns = append(l.ns, make([]int64, i+1-len(l.ns))...)
	}
	l.ns[i] += d
	l.area += float64(n) * float64(d)
	l.max = max(l.max, n)
}

// class is what a CPU is to work conservation.
type class uint8

const (
	plain class = iota
	spare       // idle, with nobody on its queue
	full        // busy, with somebody on its queue
)

// queues follow who waits where. A waking is placed on the CPU the task was on last; when a
// migration follows, it was never there. While any CPU loses events nothing is known of any queue,
// for those who wait here may have been taken elsewhere; and those who waited before are not known
// to be there after.
type queues struct {
	waiting int   // on all CPUs
	from    int64 // since when there are so many
	all     lengths
	epoch   uint32 // of all placements; the older ones are forgotten
	paused  bool
	dirty   []int // CPUs whose class may have changed
	spare   int   // CPUs
	full    int
	wasting bool
	now     violation // if wasting
	last    violation // the one before, until it is certain that it is over
	wasted  tally
}

// violation is a time in which a task waited and a CPU was spare, and the task whose coming made or
// ended it.
type violation struct {
	from, to       int64
	begun, endedBy event.TaskID
}

// count sets the number of tasks on a CPU's queue.
func (a *Analysis) count(number int32, by int, now int64) *cpu {
	c := a.cpu(int(number))
	q := &a.queue
	a.measure(c, now)
	c.waiting += by
	a.measureAll(now)
	q.waiting += by
	c.placed = event.NoTask
	q.touch(a, int(number))
	return c
}

func (a *Analysis) measure(c *cpu, now int64) {
	if now <= c.queueFrom {
		return // snapshots come in no order
	}
	d := a.clip(c.queueFrom, now)
	switch {
	case c.off >= 0: // it has no queue
	case a.queue.paused:
		c.queueLen.unknown += d
	default:
		c.queueLen.add(c.waiting, d)
	}
	c.queueFrom = now
}

func (a *Analysis) measureAll(now int64) {
	if now <= a.queue.from {
		return
	}
	d := a.clip(a.queue.from, now)
	if a.queue.paused {
		a.queue.all.unknown += d
	} else {
		a.queue.all.add(a.queue.waiting, d)
	}
	a.queue.from = now
}

// place puts a task on a CPU's queue.
func (a *Analysis) place(t *task, id event.TaskID, number int32, now int64) {
	if a.queue.paused || number < 0 {
		return
	}
	a.unplace(t, now)
	c := a.count(number, 1, now)
	c.placed = id
	t.queued, t.queueCPU, t.queueEpoch = true, number, a.queue.epoch
}

// unplace takes a task off its queue, if it is on one.
func (a *Analysis) unplace(t *task, now int64) {
	if t.queued && t.queueEpoch == a.queue.epoch {
		a.count(t.queueCPU, -1, now)
	}
	t.queued = false
}

// move puts a task that waits on another CPU's queue.
func (a *Analysis) move(t *task, id event.TaskID, number int32, now int64, atWakeup bool) {
	if !t.queued || t.queueEpoch != a.queue.epoch {
		a.place(t, id, number, now)
		return
	}
	if t.queueCPU == number {
		return
	}
	old := a.cpu(int(t.queueCPU))
	if atWakeup && old.placed == id && old.queueFrom == t.woken {
		// Nothing else has happened there: it never was on that queue.
		old.waiting--
		a.queue.waiting--
		t.queued = false
		a.queue.touch(a, int(t.queueCPU))
		c := a.cpu(int(number))
		a.measure(c, now)
		c.waiting++
		a.queue.waiting++
		c.placed = id
		t.queued, t.queueCPU = true, number
		a.queue.touch(a, int(number))
		a.queue.undo(id, t.woken)
		return
	}
	a.place(t, id, number, now)
}

func (q *queues) touch(a *Analysis, number int) {
	if c := a.cpus[number]; a.o.All && !c.dirty {
		c.dirty = true
		q.dirty = append(q.dirty, number)
	}
}

// settle looks, after an event, whether somebody waits while a CPU is spare.
func (q *queues) settle(a *Analysis, now int64, by event.TaskID) {
	if !a.o.All {
		return
	}
	for _, i := range q.dirty {
		c := a.cpus[i]
		c.dirty = false
		q.leave(c)
		switch {
		case !c.known:
		case c.current.Idle() && c.waiting == 0:
			c.class = spare
			q.spare++
		case !c.current.Idle() && c.waiting > 0:
			c.class = full
			q.full++
		}
	}
	q.dirty = q.dirty[:0]
	q.judge(a, now, by)
}

func (q *queues) leave(c *cpu) {
	switch c.class {
	case spare:
		q.spare--
	case full:
		q.full--
	}
	c.class = plain
}

func (q *queues) judge(a *Analysis, now int64, by event.TaskID) {
	wasting := q.spare > 0 && q.full > 0 && !q.paused
	if wasting == q.wasting {
		return
	}
	q.wasting = wasting
	if wasting {
		q.flush(a)
		q.now = violation{from: now, begun: by}
		return
	}
	q.now.to, q.now.endedBy = now, by
	q.last = q.now
}

// flush counts the last violation.
func (q *queues) flush(a *Analysis) {
	if d := a.clip(q.last.from, q.last.to); d > 0 {
		a.pages.add(&q.wasted, d)
	}
	q.last = violation{}
}

// undo takes back what a task's coming to a queue, at a time, has done: it was never there.
func (q *queues) undo(id event.TaskID, at int64) {
	switch {
	case q.wasting && q.now.begun == id && q.now.from == at:
		q.wasting = false
	case !q.wasting && q.last.endedBy == id && q.last.to == at && q.last.from < at:
		q.wasting, q.now, q.last = true, q.last, violation{}
	}
}

// passLost pauses the queues where an interval of losses begins, and starts them anew where it
// ends.
func (a *Analysis) passLost(now int64) {
	q := &a.queue
	for a.nextLost < len(a.lostAny) {
		s := a.lostAny[a.nextLost]
		if !q.paused {
			if now < s.first {
				return
			}
			a.measureQueues(s.first)
			q.paused = true
			q.judge(a, s.first, event.NoTask)
		}
		if now <= s.last {
			return
		}
		a.measureQueues(s.last)
		q.paused = false
		a.restartQueues(s.last)
		q.settle(a, s.last, event.NoTask)
		a.nextLost++
	}
}

// restartQueues forgets who waits where.
func (a *Analysis) restartQueues(now int64) {
	a.measureQueues(now)
	q := &a.queue
	q.epoch++
	q.waiting = 0
	for i, c := range a.cpus {
		if c != nil {
			c.waiting = 0
			q.touch(a, i)
		}
	}
}

// measureQueues brings all queues up to a time.
func (a *Analysis) measureQueues(now int64) {
	for _, c := range a.cpus {
		if c != nil {
			a.measure(c, now)
		}
	}
	a.measureAll(now)
}

// Queue is the number of tasks that wait on one CPU's queue, or on all: runnable, and not the one
// that runs.
type Queue struct {
	Mean float64 `json:"run_queue_length_mean"` // over the known time
	Max  int     `json:"run_queue_length_max"`
	// Time is how long there were so many tasks, by their number; the last one is that of all
	// numbers from 255, if it is that long.
	Time    []time.Duration `json:"-"`
	Unknown time.Duration   `json:"run_queue_length_unknown_ns"` // events were lost
}

func (l *lengths) result() Queue {
	q := Queue{Max: l.max, Unknown: dur(l.unknown), Time: make([]time.Duration, len(l.ns))}
	var total float64
	for i, d := range l.ns {
		q.Time[i] = dur(d)
		total += float64(d)
	}
	if total > 0 {
		q.Mean = l.area / total
	}
	return q
}

// Waste is work conservation violated: a task waits on the queue of a busy CPU, while another CPU
// is idle with an empty queue. The task may not be allowed there: what CPUs it may use is not
// known. A CPU that is idle with somebody on its queue is about to run it, and no waste.
type Waste struct {
	Count   uint64
	Time    time.Duration
	Longest time.Duration
	Lengths hist.Histogram // of the single violations
	Reason  string         // why it could not be measured
}
