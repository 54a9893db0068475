package sched

import (
	"cmp"
	"slices"
	"time"
)

// Pair is an entry of a matrix: what By did to Of, how often, and how long Of then waited for a CPU.
type Pair struct {
	// By is a task, or a CPU's idle task. When Interrupt is set, it was an interrupt of that kind (FlagHardIRQ,
	// FlagSoftIRQ or FlagNMI), and By is NoTask. NoTask without Interrupt: all pairs for which there was no room.
	By        TaskID
	Interrupt Flags
	Of        TaskID
	Count     uint64
	Time      time.Duration
}

// What stands for an interrupt in a matrix. Never in an Event.
const (
	byHardIRQ = NoTask + 1 + iota
	bySoftIRQ
	byNMI
)

// whoever returns who did what an event says: the task, or the interrupt. An NMI may come in a hard interrupt, and that in
// a softirq: it is the innermost.
func whoever(e *Event) TaskID {
	switch {
	case e.Flags&FlagNMI != 0:
		return byNMI
	case e.Flags&FlagHardIRQ != 0:
		return byHardIRQ
	case e.Flags&FlagSoftIRQ != 0:
		return bySoftIRQ
	}
	return e.Other
}

// interrupts reports whether it was an interrupt.
func interrupts(by TaskID) bool { return by == byHardIRQ || by == bySoftIRQ || by == byNMI }

// whom takes apart what whoever returned.
func whom(by TaskID) (TaskID, Flags) {
	switch by {
	case byHardIRQ:
		return NoTask, FlagHardIRQ
	case bySoftIRQ:
		return NoTask, FlagSoftIRQ
	case byNMI:
		return NoTask, FlagNMI
	}
	return by, 0
}

// pairs is a matrix with few entries: an open hash table of bounded size.
type pairs struct {
	slots []uint32 // 1 + index of list, 0: free; a power of two, at most half of them used
	list  []pair
	limit int
	rest  pair // those without room
}

type pair struct {
	by, of TaskID
	count  uint64
	ns     int64
}

func newPairs(limit int) pairs {
	return pairs{slots: make([]uint32, 256), limit: limit, rest: pair{by: NoTask, of: NoTask}}
}

func (p *pairs) add(by, of TaskID, count uint64, ns int64) {
	e := p.find(by, of)
	e.count += count
	e.ns += ns
}

func (p *pairs) find(by, of TaskID) *pair {
	i := p.slot(by, of)
	if n := p.slots[i]; n != 0 {
		return &p.list[n-1]
	}
	if len(p.list) >= p.limit {
		return &p.rest
	}
	if 2*len(p.list) >= len(p.slots) {
		p.slots = make([]uint32, 2*len(p.slots))
		for n := range p.list {
			p.slots[p.slot(p.list[n].by, p.list[n].of)] = uint32(n + 1)
		}
		i = p.slot(by, of)
	}
	p.list = append(p.list, pair{by: by, of: of})
	p.slots[i] = uint32(len(p.list))
	return &p.list[len(p.list)-1]
}

// slot returns where the pair is, or would be.
func (p *pairs) slot(by, of TaskID) uint64 {
	mask := uint64(len(p.slots) - 1)
	// Fibonacci hashing: the golden ratio spreads neighbouring numbers.
	h := (uint64(uint32(by))<<32 | uint64(uint32(of))) * 0x9e3779b97f4a7c15
	h ^= h >> 32
	for i := h & mask; ; i = (i + 1) & mask {
		n := p.slots[i]
		if n == 0 || p.list[n-1].by == by && p.list[n-1].of == of {
			return i
		}
	}
}

// result returns the entries of all pairs that keep says to keep, by falling time, those that caused nothing last.
func (p *pairs) result(keep func(of TaskID) bool) []Pair {
	var list []Pair
	for _, e := range p.list {
		if (e.count == 0 && e.ns == 0) || !keep(e.of) {
			continue
		}
		r := Pair{Of: e.of, Count: e.count, Time: dur(e.ns)}
		r.By, r.Interrupt = whom(e.by)
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b Pair) int {
		return cmp.Or(cmp.Compare(b.Time, a.Time), cmp.Compare(b.Count, a.Count), cmp.Compare(a.By, b.By),
			cmp.Compare(a.Interrupt, b.Interrupt), cmp.Compare(a.Of, b.Of))
	})
	if p.rest.count > 0 {
		list = append(list, Pair{By: NoTask, Of: NoTask, Count: p.rest.count, Time: dur(p.rest.ns)})
	}
	return list
}
