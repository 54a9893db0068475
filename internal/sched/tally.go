package sched

import "math"

// tally collects one distribution of one task. Most tasks have few values, and those near each other: so a tally is the
// head of a list of pages, one for each power of two that occurs, the one used last in front.
type tally struct {
	count    uint64
	sum, max int64
	first    uint32 // page, from 1; 0: none
}

// page holds the buckets of one power of two. The values below the smallest and above the largest have a page each.
type page struct {
	counts [1 << histSub]uint32 // they stop at the largest number
	next   uint32
	octave uint32
}

// pages is where all tallies' pages come from. It grows by pieces, so that growing moves nothing.
type pages struct {
	pieces []*[pagesPiece]page
	used   uint32
}

const pagesPiece = 1024

func (p *pages) at(i uint32) *page { return &p.pieces[i/pagesPiece][i%pagesPiece] }

func (p *pages) add(octave, next uint32) uint32 {
	p.used++
	if int(p.used/pagesPiece) >= len(p.pieces) {
		p.pieces = append(p.pieces, new([pagesPiece]page))
	}
	pg := p.at(p.used)
	pg.octave, pg.next = octave, next
	return p.used
}

// add puts a value of ns, not negative, into the tally.
func (t *tally) add(p *pages, v int64) {
	t.count++
	t.sum += v
	t.max = max(t.max, v)
	b := uint32(bucketOf(v) + 1<<histSub - 1)
	pg := t.page(p, b>>histSub)
	if n := &pg.counts[b&(1<<histSub-1)]; *n < math.MaxUint32 {
		*n++
	}
}

// page returns the page of a power of two, which is in front of the list from then on.
func (t *tally) page(p *pages, octave uint32) *page {
	var before *page
	for i := t.first; i != 0; {
		pg := p.at(i)
		if pg.octave == octave {
			if before != nil {
				before.next, pg.next, t.first = pg.next, t.first, i
			}
			return pg
		}
		before, i = pg, pg.next
	}
	t.first = p.add(octave, t.first)
	return p.at(t.first)
}

// histogram returns what was collected.
func (t *tally) histogram(p *pages) Histogram {
	h := Histogram{count: t.count, sum: t.sum, max: t.max}
	if t.count == 0 {
		return h
	}
	var byOctave [histMax - histMin + 2]*page
	n := 0
	for i := t.first; i != 0; i = p.at(i).next {
		pg := p.at(i)
		byOctave[pg.octave] = pg
		for _, c := range pg.counts {
			if c > 0 {
				n++
			}
		}
	}
	h.buckets = make([]bucket, 0, n)
	for octave, pg := range byOctave {
		if pg == nil {
			continue
		}
		for i, c := range pg.counts {
			if c > 0 {
				h.buckets = append(h.buckets, bucket{uint16(octave<<histSub + i - (1<<histSub - 1)), uint64(c)})
			}
		}
	}
	return h
}
