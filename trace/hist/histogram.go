package hist

import (
	"cmp"
	"iter"
	"math"
	"slices"
	"time"
)

// Histogram is a distribution of durations. The zero Histogram is empty and ready to use. It keeps
// the buckets that are not empty, for there may be several histograms for each of 100,000 tasks.
// Copies share their buckets: Clone one before adding to it. A Histogram is for one goroutine at a
// time.
type Histogram struct {
	count, sum, max uint64 // sum and max in ns
	cells           []Cell // by rising Index
}

// Cell is a bucket by its number, and how many durations are in it.
type Cell struct {
	Index uint16
	Count uint64
}

// Of returns a histogram of what was collected elsewhere: count durations, their sum and the
// longest (ns), and the buckets that are not empty, by rising Index. It keeps cells.
func Of(count, sum, max uint64, cells []Cell) Histogram {
	return Histogram{count: count, sum: sum, max: max, cells: cells}
}

// Add puts a duration into h; a negative one counts as 0.
func (h *Histogram) Add(d time.Duration) {
	v := uint64(max(d, 0))
	h.count++
	h.sum += v
	h.max = max(h.max, v)
	index := uint16(Index(v))
	i, found := slices.BinarySearchFunc(h.cells, index, func(c Cell, i uint16) int {
		return cmp.Compare(c.Index, i)
	})
	if !found {
		h.cells = slices.Insert(h.cells, i, Cell{Index: index})
	}
	h.cells[i].Count++
}

// AddBuckets adds what the kernel side collected: all buckets, the sum of the durations and the
// longest (ns).
func (h *Histogram) AddBuckets(buckets *[Buckets]uint64, sum, max uint64) {
	var cells []Cell
	var count uint64
	for i, n := range buckets {
		if n > 0 {
			cells = append(cells, Cell{uint16(i), n})
			count += n
		}
	}
	o := Of(count, sum, max, cells)
	h.Merge(&o)
}

// Merge adds the durations of o to h.
func (h *Histogram) Merge(o *Histogram) {
	h.count += o.count
	h.sum += o.sum
	h.max = max(h.max, o.max)
	merged := make([]Cell, 0, max(len(h.cells), len(o.cells)))
	a, b := h.cells, o.cells
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].Index < b[0].Index:
			merged, a = append(merged, a[0]), a[1:]
		case a[0].Index > b[0].Index:
			merged, b = append(merged, b[0]), b[1:]
		default:
			merged = append(merged, Cell{a[0].Index, a[0].Count + b[0].Count})
			a, b = a[1:], b[1:]
		}
	}
	merged = append(merged, a...)
	h.cells = append(merged, b...)
}

// Clone returns a copy that shares nothing with h.
func (h *Histogram) Clone() Histogram {
	c := *h
	c.cells = slices.Clone(h.cells)
	return c
}

// Equal reports whether both have the same durations, as far as is known.
func (h *Histogram) Equal(o *Histogram) bool {
	return h.count == o.count && h.sum == o.sum && h.max == o.max && slices.Equal(h.cells, o.cells)
}

// Count returns the number of durations.
func (h *Histogram) Count() uint64 { return h.count }

// Sum returns the sum of the durations, exactly.
func (h *Histogram) Sum() time.Duration { return time.Duration(h.sum) }

// Max returns the longest duration, exactly; 0 if there is none.
func (h *Histogram) Max() time.Duration { return time.Duration(h.max) }

// Mean returns the sum divided by the number of durations; 0 if there is none.
func (h *Histogram) Mean() time.Duration {
	if h.count == 0 {
		return 0
	}
	return time.Duration(h.sum / h.count)
}

// Bucket is a range of a Histogram: Count durations of at least Low and less than High.
type Bucket struct {
	Low, High time.Duration
	Count     uint64
}

// Buckets returns the buckets that are not empty, by rising duration. The last one's High is the
// longest Duration when durations above 69 s were seen.
func (h *Histogram) Buckets() iter.Seq[Bucket] {
	return func(yield func(Bucket) bool) {
		for _, c := range h.cells {
			lo, hi := Bounds(int(c.Index))
			if !yield(Bucket{time.Duration(lo), time.Duration(min(hi, math.MaxInt64)), c.Count}) {
				return
			}
		}
	}
}
