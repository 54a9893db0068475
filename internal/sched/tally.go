package sched

import "math"

// tally collects one distribution of one task. Most tasks have few values, and those near each other: it has a page of
// buckets for each power of two that occurs, and knows where the first few of them are. It is as long as a cache line.
type tally struct {
	count    uint64
	sum, max int64
	octaves  [tallyNear]uint8 // 1 + those of the pages in near; 0: free
	near     [tallyNear]uint32
	far      uint32 // where two pages hold, by octave, where the other ones are; 0: there are none
}

const tallyNear = 7

// page holds the buckets of one power of two. The values below the smallest and above the largest have a page each.
type page [1 << histSub]uint32 // they stop at the largest number

// pages is where all tallies' pages come from. It grows by pieces, so that growing moves nothing.
//
// What is added waits until there is much of it. Tallies and pages of thousands of tasks are not in the CPU's caches, and a
// loop that does nothing else fetches many of them at the same time.
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
		b := uint32(bucketOf(p.later[i].v) + 1<<histSub - 1)
		p.buckets[i] = &p.at(p.later[i].t.page(p, b>>histSub))[b&(1<<histSub-1)]
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
	i := t.far + octave>>histSub
	at := p.at(i)[octave&(1<<histSub-1)]
	if at == 0 {
		at = p.new()
		p.at(i)[octave&(1<<histSub-1)] = at
	}
	return at
}

// histogram returns what was collected.
func (t *tally) histogram(p *pages) Histogram {
	p.settle()
	h := Histogram{count: t.count, sum: t.sum, max: t.max}
	var at [2 << histSub]uint32 // by octave
	if t.far != 0 {
		copy(at[:], p.at(t.far)[:])
		copy(at[1<<histSub:], p.at(t.far + 1)[:])
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
	if n == 0 {
		return h
	}
	h.buckets = make([]bucket, 0, n)
	for octave, i := range at {
		if i == 0 {
			continue
		}
		for j, c := range p.at(i) {
			if c > 0 {
				h.buckets = append(h.buckets, bucket{uint16(octave<<histSub + j - (1<<histSub - 1)), uint64(c)})
			}
		}
	}
	return h
}
