package sched

import (
	"cmp"
	"slices"
	"time"

	"switchyard/trace/event"
)

// Pair is an entry of a matrix: what By did to Of, how often, and how long Of then waited for a
// CPU.
type Pair struct {
	// By is a task, or a CPU's idle task. When Interrupt is set, it was an interrupt of that kind
	// (FlagHardIRQ, FlagSoftIRQ or FlagNMI), and By is NoTask. NoTask without Interrupt: all pairs
	// for which there was no room.
	By        event.TaskID
	Interrupt event.Flags
	Of        event.TaskID
	Count     uint64
	Time      time.Duration
}

// What stands for an interrupt in a matrix. Never in an Event.
const (
	byHardIRQ = event.NoTask + 1 + iota
	bySoftIRQ
	byNMI
)

// whoever returns who did what an event says: the task, or the interrupt. An NMI may come in a hard
// interrupt, and that in a softirq: it is the innermost.
func whoever(e *event.Event) event.TaskID {
	switch {
	case e.Flags&event.FlagNMI != 0:
		return byNMI
	case e.Flags&event.FlagHardIRQ != 0:
		return byHardIRQ
	case e.Flags&event.FlagSoftIRQ != 0:
		return bySoftIRQ
	}
	return e.Other
}

// interrupts reports whether it was an interrupt.
func interrupts(by event.TaskID) bool { return by == byHardIRQ || by == bySoftIRQ || by == byNMI }

// whom takes apart what whoever returned.
func whom(by event.TaskID) (event.TaskID, event.Flags) {
	switch by {
	case byHardIRQ:
		return event.NoTask, event.FlagHardIRQ
	case bySoftIRQ:
		return event.NoTask, event.FlagSoftIRQ
	case byNMI:
		return event.NoTask, event.FlagNMI
	}
	return by, 0
}

// pairs is a matrix with few entries: an open hash table of bounded size. What is added waits, as
// with pages.
type pairs struct {
	table   []pair // a power of two, at most half of it used
	used    int
	limit   int
	rest    pair // those without room
	later   [pairsLater]pair
	waiting int
}

const pairsLater = 64

type pair struct {
	by, of event.TaskID // of: NoTask in a free place
	count  uint64
	ns     int64
}

func newPairs(limit int) pairs {
	return pairs{table: newPairTable(256), limit: limit}
}

func newPairTable(n int) []pair {
	t := make([]pair, n)
	for i := range t {
		t[i].of = event.NoTask
	}
	return t
}

func (p *pairs) add(by, of event.TaskID, count uint64, ns int64) {
	if p.waiting == pairsLater {
		p.settle()
	}
	p.later[p.waiting] = pair{by, of, count, ns}
	p.waiting++
}

// settle brings the matrix up to date.
func (p *pairs) settle() {
	for i := range p.later[:p.waiting] {
		l := &p.later[i]
		e := p.find(l.by, l.of)
		e.count += l.count
		e.ns += l.ns
	}
	p.waiting = 0
}

func (p *pairs) find(by, of event.TaskID) *pair {
	e := p.place(by, of)
	if e.of != event.NoTask {
		return e
	}
	if p.used >= p.limit {
		return &p.rest
	}
	if 2*p.used >= len(p.table) {
		old := p.table
		p.table = newPairTable(2 * len(old))
		for i := range old {
			if old[i].of != event.NoTask {
				*p.place(old[i].by, old[i].of) = old[i]
			}
		}
		e = p.place(by, of)
	}
	p.used++
	e.by, e.of = by, of
	return e
}

// place returns where the pair is, or would be.
func (p *pairs) place(by, of event.TaskID) *pair {
	mask := uint64(len(p.table) - 1)
	// Fibonacci hashing: the golden ratio spreads neighbouring numbers.
	h := (uint64(uint32(by))<<32 | uint64(uint32(of))) * 0x9e3779b97f4a7c15
	h ^= h >> 32
	for i := h & mask; ; i = (i + 1) & mask {
		if e := &p.table[i]; e.of == event.NoTask || e.by == by && e.of == of {
			return e
		}
	}
}

// result returns the entries of all pairs that keep says to keep, by falling time, those that
// caused nothing last.
func (p *pairs) result(keep func(of event.TaskID) bool) []Pair {
	p.settle()
	var list []Pair
	for i := range p.table {
		e := &p.table[i]
		if e.of == event.NoTask || e.count == 0 && e.ns == 0 || !keep(e.of) {
			continue
		}
		r := Pair{Of: e.of, Count: e.count, Time: dur(e.ns)}
		r.By, r.Interrupt = whom(e.by)
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b Pair) int {
		return cmp.Or(cmp.Compare(b.Time, a.Time), cmp.Compare(b.Count, a.Count),
			cmp.Compare(a.By, b.By),
			cmp.Compare(a.Interrupt, b.Interrupt), cmp.Compare(a.Of, b.Of))
	})
	if p.rest.count > 0 {
		list = append(list, Pair{By: event.NoTask, Of: event.NoTask, Count: p.rest.count,
			Time: dur(p.rest.ns)})
	}
	return list
}
