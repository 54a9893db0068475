package sched

import (
	"math"

	"switchyard/trace/hist"
)

// tally collects one distribution of one task. Most tasks have few values, and those near each
// other: it has a page of buckets for each power of two that occurs, and knows where the first few
// of them are. It is as long as a cache line.
type tally struct {
	count    uint64
	sum, max int64
	octaves  [tallyNear]uint8 // 1 + those of the pages in near; 0: free
	near     [tallyNear]uint32
	far      uint32 // where two pages hold, by octave, where the other ones are; 0: there are none
}

const tallyNear = 7

// page holds the buckets of one power of two. The values below the smallest and above the largest
// have a page each.
type page [1 << hist.SubLog2]uint32 // they stop at the largest number

// pages is where all tallies' pages come from. It grows by pieces, so that growing moves nothing.
//
// What is added waits until there is much of it. Tallies and pages of thousands of tasks are not in
// the CPU's caches, and a loop that does nothing else fetches many of them at the same time.
type pages struct {
	pieces []*[pagesPiece]page
	used   uint32 // the first one is never used
	later  [pagesLater]struct {
		t *tally
		v int64
	}
	buckets [pagesLater]*uint32 // where they go
	waiting int
}

const (
	pagesPiece = 1024
	pagesLater = 128
)

func (p *pages) at(i uint32) *page { return &p.pieces[i/pagesPiece][i%pagesPiece] }

func (p *pages) new() uint32 {
	p.used++
	if int(p.used/pagesPiece) >= len(p.pieces) {
		p.pieces = append(p.pieces, new([pagesPiece]page))
	}
	return p.used
}

// add puts a value of ns, not negative, into a tally.
func (p *pages) add(t *tally, v int64) {
	if p.waiting == pagesLater {
		p.settle()
	}
	p.later[p.waiting].t, p.later[p.waiting].v = t, v
	p.waiting++
}

// settle brings all tallies up to date.
func (p *pages) settle() {
	for i := range p.later[:p.waiting] {
		t, v := p.later[i].t, p.later[i].v
		t.count++
		t.sum += v
		t.max = max(t.max, v)
	}
	for i := range p.later[:p.waiting] {
		b := uint32(hist.Index(uint64(p.later[i].v)) + 1<<hist.SubLog2 - 1)
		p.buckets[i] = &p.at(p.later[i].t.page(p, b>>hist.SubLog2))[b&(1<<hist.SubLog2-1)]
	}
	for _, n := range p.buckets[:p.waiting] {
		if *n < math.MaxUint32 {
			*n++
		}
	}
	p.waiting = 0
}

// page returns where the page of a power of two is, which may be new.
func (t *tally) page(p *pages, octave uint32) uint32 {
	for i := range t.octaves {
		switch t.octaves[i] {
		case uint8(octave + 1):
			return t.near[i]
		case 0:
			t.octaves[i], t.near[i] = uint8(octave+1), p.new()
			return t.near[i]
		}
	}
	if t.far == 0 {
		t.far = p.new()
		p.new()
	}
	i := t.far + octave>>hist.SubLog2
	at := p.at(i)[octave&(1<<hist.SubLog2-1)]
	if at == 0 {
		at = p.new()
		p.at(i)[octave&(1<<hist.SubLog2-1)] = at
	}
	return at
}

// histogram returns what was collected.
func (t *tally) histogram(p *pages) hist.Histogram {
	p.settle()
	var cells []hist.Cell
	var at [2 << hist.SubLog2]uint32 // by octave
	if t.far != 0 {
		copy(at[:], p.at(t.far)[:])
		copy(at[1<<hist.SubLog2:], p.at(t.far + 1)[:])
	}
	for i, octave := range t.octaves {
		if octave != 0 {
			at[octave-1] = t.near[i]
		}
	}
	n := 0
	for _, i := range at {
		if i != 0 {
			for _, c := range p.at(i) {
				if c > 0 {
					n++
				}
			}
		}
	}
	if n > 0 {
		cells = make([]hist.Cell, 0, n)
	}
	for octave, i := range at {
		if i == 0 {
			continue
		}
		for j, c := range p.at(i) {
			if c > 0 {
				cells = append(cells,
					hist.Cell{Index: uint16(octave<<hist.SubLog2 + j - (1<<hist.SubLog2 - 1)),
						Count: uint64(c)})
			}
		}
	}
	return hist.Of(t.count, uint64(t.sum), uint64(t.max), cells)
}
