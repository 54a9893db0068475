package trace

import (
	"fmt"
	"iter"
	"math"
	"math/bits"
	"time"
)

// Histogram is a distribution of durations as the kernel side collects it: one bucket for all below 64 ns, then 16 for
// each power of two up to 69 s, then one for all above, so that a value is known to 1/16 (6.25 %) of itself. The largest
// value is exact, and so is the sum. The zero Histogram is empty and ready to use.
type Histogram struct {
	sum     uint64 // ns
	max     uint64 // ns
	count   uint64
	buckets [bpfHistShapeHIST_BUCKETS]uint64
}

const (
	histMin = int(bpfHistShapeHIST_MIN_LOG2)
	histMax = int(bpfHistShapeHIST_MAX_LOG2)
	histSub = int(bpfHistShapeHIST_SUB_LOG2)
)

// bucketOf returns the bucket a value of ns belongs to, as hist_bucket in bpf/hist.h does.
func bucketOf(v uint64) int {
	if v < 1<<histMin {
		return 0
	}
	log := bits.Len64(v) - 1
	if log >= histMax {
		return int(bpfHistShapeHIST_BUCKETS) - 1
	}
	return 1 + (log-histMin)<<histSub + int(v>>(log-histSub))&(1<<histSub-1)
}

// bounds returns the values bucket i holds: lo <= v < hi, in ns.
func bounds(i int) (lo, hi uint64) {
	switch {
	case i == 0:
		return 0, 1 << histMin
	case i >= int(bpfHistShapeHIST_BUCKETS)-1:
		return 1 << histMax, math.MaxUint64
	}
	i--
	log := i>>histSub + histMin
	width := uint64(1) << (log - histSub)
	lo = 1<<log + uint64(i&(1<<histSub-1))*width
	return lo, lo + width
}

// Add puts one value into h; a negative one counts as 0.
func (h *Histogram) Add(d time.Duration) {
	v := uint64(max(d, 0))
	h.buckets[bucketOf(v)]++
	h.count++
	h.sum += v
	h.max = max(h.max, v)
}

// merge adds what one CPU collected.
func (h *Histogram) merge(k *bpfHist) {
	for i, n := range k.Buckets {
		h.buckets[i] += n
		h.count += n
	}
	h.sum += k.Sum
	h.max = max(h.max, k.Max)
}

// Merge adds the values of o to h.
func (h *Histogram) Merge(o *Histogram) {
	for i, n := range o.buckets {
		h.buckets[i] += n
	}
	h.count += o.count
	h.sum += o.sum
	h.max = max(h.max, o.max)
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
	return time.Duration(h.sum / h.count)
}

// Quantile returns the value below which a share q of the values lies: q = 0.99 is the 99th percentile, 0 the smallest
// bucket's lower bound, 1 the exact maximum. Inside a bucket it interpolates. It returns 0 if there is no value, and takes
// a q outside 0 to 1 for the nearer of them.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.count == 0 {
		return 0
	}
	if !(q > 0) { // NaN too
		q = 0
	}
	if q >= 1 {
		return h.Max()
	}
	rank := q * float64(h.count)
	var below float64
	for i, n := range h.buckets {
		if n == 0 {
			continue
		}
		if below+float64(n) >= rank {
			lo, hi := bounds(i)
			hi = min(hi, h.max+1) // the last bucket reaches no further than the largest value
			v := float64(lo) + float64(hi-lo)*(rank-below)/float64(n)
			return time.Duration(min(uint64(v), h.max))
		}
		below += float64(n)
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
		for i, n := range h.buckets {
			if n == 0 {
				continue
			}
			lo, hi := bounds(i)
			if !yield(Bucket{time.Duration(lo), time.Duration(min(hi, math.MaxInt64)), n}) {
				return
			}
		}
	}
}

// String returns a summary: number, mean, percentiles and maximum.
func (h *Histogram) String() string {
	return fmt.Sprintf("n=%d mean=%v p50=%v p90=%v p99=%v max=%v",
		h.count, h.Mean(), h.Quantile(.5), h.Quantile(.9), h.Quantile(.99), h.Max())
}
