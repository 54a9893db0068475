package sched

import (
	"slices"
	"time"

	"switchyard/trace/event"
)

// chainDepth is how many tasks a chain remembers; of a longer one the oldest are forgotten.
const chainDepth = 8

// link is a task in a chain, and how long it had waited for a CPU, since it was woken, when it woke
// the next.
type link struct {
	task event.TaskID
	own  int64
}

// chain is how a task came to be woken: by whom, who had been woken by whom. A chain begins with a
// waking by an interrupt or an idle CPU. It holds each task once: where it comes back to a task
// that is in it, it begins anew behind that task, so that a client's chain holds what its server
// waited, and not what both of them waited since the world began.
type chain struct {
	links     [chainDepth]link
	n         uint8
	inherited int64 // the sum of the links' own
	own       int64 // what the task itself has waited for a CPU since
}

// inherit makes by's chain, and by, the beginning of the chain of t, which it wakes.
func (a *Analysis) inherit(id event.TaskID, t *task, by event.TaskID) {
	t.chain.n, t.chain.own, t.chain.inherited = 0, 0, 0
	w := a.task(by)
	if w == nil || w == t {
		return
	}
	from := w.chain.links[:w.chain.n]
	// Whoever comes back to a task leaves it, and all before it, out.
	for i := len(from) - 1; i >= 0; i-- {
		if from[i].task == id {
			from = from[i+1:]
			break
		}
	}
	if len(from) == chainDepth {
		from = from[1:]
	}
	c := &t.chain
	n := copy(c.links[:], from)
	c.links[n] = link{by, w.chain.own}
	c.n = uint8(n + 1)
	for i := range c.links[:n+1] {
		c.inherited += c.links[i].own
	}
}

// inherited returns what a task that by wakes now would inherit.
func (a *Analysis) inherited(by event.TaskID) int64 {
	w := a.task(by)
	if w == nil {
		return 0
	}
	return w.chain.inherited + w.chain.own
}

// inheritEarly is inherit for a waking that has turned out to be one only now: who comes before the
// waker is forgotten.
func (c *chain) inheritEarly(by event.TaskID, ns int64) {
	c.n, c.own, c.inherited = 0, 0, 0
	if by >= 0 {
		c.links[0], c.n, c.inherited = link{by, ns}, 1, ns
	}
}

// arrive adds what a task has waited to its chain, when it comes to a CPU.
func (a *Analysis) arrive(id event.TaskID, t *task, now int64) {
	since := max(t.from, t.woken)
	if t.unseenWaking || !t.seen && t.woken < 0 {
		return // how long is not known
	}
	t.chain.own += now - since
	if t.woken < 0 || since < a.w.Open || now >= a.w.Close {
		return
	}
	v := t.chain.inherited + t.chain.own
	a.pages.add(&t.compound, v)
	if v > a.worst.least {
		a.worst.add(id, &t.chain, now)
	}
}

// Chain is how one wake-up came about: each task of it waited for a CPU, and so the next was woken
// later.
type Chain struct {
	Task event.TaskID
	At   int64 // when it came to a CPU, ns, CLOCK_BOOTTIME
	// Compound is what Task waited after its waking, and what those before it in the chain had
	// waited when each woke the next.
	Compound time.Duration
	Links    []Link // the first is the oldest remembered; the last woke Task
}

// Link is one task of a Chain.
type Link struct {
	Task event.TaskID
	Own  time.Duration // waited for a CPU since its own waking
}

const worstChains = 16

// worst keeps the worst chains.
type worst struct {
	n     int
	least int64 // a chain must be worse than that
	list  [worstChains]struct {
		id event.TaskID
		at int64
		v  int64
		chain
	}
}

func (w *worst) add(id event.TaskID, c *chain, now int64) {
	i := w.n
	if i < worstChains {
		w.n++
	} else {
		i = w.lowest()
	}
	e := &w.list[i]
	e.id, e.at, e.v, e.chain = id, now, c.inherited+c.own, *c
	if w.n == worstChains {
		w.least = w.list[w.lowest()].v
	}
}

func (w *worst) lowest() int {
	low := 0
	for i := range w.list[:w.n] {
		if w.list[i].v < w.list[low].v {
			low = i
		}
	}
	return low
}

// result returns the worst chains of tasks to keep, the worst first.
func (w *worst) result(keep func(event.TaskID) bool) []Chain {
	var list []Chain
	for i := range w.list[:w.n] {
		e := &w.list[i]
		if !keep(e.id) {
			continue
		}
		c := Chain{Task: e.id, At: e.at, Compound: dur(e.v)}
		for _, l := range e.links[:e.chain.n] {
			c.Links = append(c.Links, Link{l.task, dur(l.own)})
		}
		list = append(list, c)
	}
	slices.SortStableFunc(list, func(a, b Chain) int { return int(b.Compound - a.Compound) })
	return list
}
