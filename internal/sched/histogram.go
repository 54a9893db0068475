package sched

import (
	"iter"
	"math"
	"math/bits"
	"time"
)

// The shape of all distributions, that of trace.Histogram: one bucket for all below 64 ns, then 16 for each power of two
// up to 69 s, then one for all above, so that a value is known to 1/16 (6.25 %) of itself.
const (
	histMin     = 6
	histMax     = 36
	histSub     = 4
	histBuckets = 2 + (histMax-histMin)<<histSub
)

// bucketOf returns the bucket a value of ns, not negative, belongs to.
func bucketOf(v int64) int {
	if v < 1<<histMin {
		return 0
	}
	log := bits.Len64(uint64(v)) - 1
	if log >= histMax {
		return histBuckets - 1
	}
	return 1 + (log-histMin)<<histSub + int(v>>(log-histSub))&(1<<histSub-1)
}

// bounds returns the values bucket i holds: lo <= v < hi, in ns.
func bounds(i int) (lo, hi int64) {
	switch {
	case i == 0:
		return 0, 1 << histMin
	case i >= histBuckets-1:
		return 1 << histMax, math.MaxInt64
	}
	i--
	log := i>>histSub + histMin
	width := int64(1) << (log - histSub)
	lo = 1<<log + int64(i&(1<<histSub-1))*width
	return lo, lo + width
}

// Histogram is a distribution of durations. A value is known to 6.25 % of itself; sum and largest value are exact. The
// zero Histogram is empty. It keeps the buckets that are not empty, for there may be several for each of 100,000 tasks.
type Histogram struct {
	count    uint64
	sum, max int64
	buckets  []bucket
}

type bucket struct {
	index uint16
	count uint64
}

// Count returns the number of values.
func (h *Histogram) Count() uint64 { return h.count }

// Sum returns the sum of the values, exactly.
func (h *Histogram) Sum() time.Duration { return time.Duration(h.sum) }

// Max returns the largest value, exactly; 0 if there is none.
func (h *Histogram) Max() time.Duration { return time.Duration(h.max) }

// Mean returns the sum divided by the number of values; 0 if there is none.
func (h *Histogram) Mean() time.Duration {
	if h.count == 0 {
		return 0
	}
	return time.Duration(h.sum / int64(h.count))
}

// Quantile returns the value below which a share q of the values lies: q = 0.99 is the 99th percentile, 1 the exact
// maximum. Inside a bucket it interpolates. It returns 0 if there is no value, and takes a q outside 0 to 1 for the nearer
// of them.
func (h *Histogram) Quantile(q float64) time.Duration {
	if !(q > 0) { // NaN too
		q = 0
	}
	if q >= 1 {
		return h.Max()
	}
	rank := q * float64(h.count)
	var below float64
	for _, b := range h.buckets {
		if n := float64(b.count); below+n < rank {
			below += n
			continue
		}
		lo, hi := bounds(int(b.index))
		hi = min(hi, h.max+1) // the last bucket reaches no further than the largest value
		v := float64(lo) + float64(hi-lo)*(rank-below)/float64(b.count)
		return time.Duration(min(int64(v), h.max))
	}
	return h.Max()
}

// Bucket is a range of a Histogram: Count values of at least Low and less than High.
type Bucket struct {
	Low, High time.Duration
	Count     uint64
}

// Buckets returns the buckets that are not empty, in order. The last one's High is the largest Duration when values above
// 69 s were seen.
func (h *Histogram) Buckets() iter.Seq[Bucket] {
	return func(yield func(Bucket) bool) {
		for _, b := range h.buckets {
			lo, hi := bounds(int(b.index))
			if !yield(Bucket{time.Duration(lo), time.Duration(hi), b.count}) {
				return
			}
		}
	}
}

// Merge adds the values of o to h.
func (h *Histogram) Merge(o *Histogram) {
	h.count += o.count
	h.sum += o.sum
	h.max = max(h.max, o.max)
	merged := make([]bucket, 0, max(len(h.buckets), len(o.buckets)))
	a, b := h.buckets, o.buckets
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].index < b[0].index:
			merged, a = append(merged, a[0]), a[1:]
		case a[0].index > b[0].index:
			merged, b = append(merged, b[0]), b[1:]
		default:
			merged = append(merged, bucket{a[0].index, a[0].count + b[0].count})
			a, b = a[1:], b[1:]
		}
	}
	merged = append(merged, a...)
	h.buckets = append(merged, b...)
}
