package hist

import (
	"fmt"
	"time"
)

// Quantile returns the duration below which a share q of the durations lies: q = 0.99 is the 99th
// percentile, 0 the lower bound of the lowest bucket that has any, 1 the exact maximum. Inside a
// bucket it interpolates: QuantileBounds says how far off it can be. It returns 0 if there is no
// duration, and takes a q outside 0 to 1 for the nearer of them.
func (h *Histogram) Quantile(q float64) time.Duration {
	if q >= 1 {
		return h.Max()
	}
	c, below, rank := h.at(q)
	if c.Count == 0 {
		return h.Max()
	}
	lo, hi := Bounds(int(c.Index))
	hi = min(hi, h.max+1) // the last bucket reaches no further than the longest duration
	v := float64(lo) + float64(hi-lo)*(rank-below)/float64(c.Count)
	return time.Duration(min(uint64(v), h.max))
}

// QuantileBounds returns the two durations between which the quantile lies for certain: at least
// lo, at most hi. They are 1/16 of lo apart at most, above 64 ns and below 69 s; the same when the
// quantile is known exactly.
func (h *Histogram) QuantileBounds(q float64) (lo, hi time.Duration) {
	if q >= 1 {
		return h.Max(), h.Max()
	}
	c, _, _ := h.at(q)
	if c.Count == 0 {
		return h.Max(), h.Max()
	}
	l, r := Bounds(int(c.Index))
	return time.Duration(l), time.Duration(min(r-1, h.max))
}

// at returns the bucket in which the quantile lies, how many durations are below it, and how many
// below the quantile.
func (h *Histogram) at(q float64) (c Cell, below, rank float64) {
	if !(q > 0) { // NaN too
		q = 0
	}
	rank = q * float64(h.count)
	for _, c := range h.cells {
		if n := float64(c.Count); below+n < rank {
			below += n
			continue
		}
		return c, below, rank
	}
	return Cell{}, below, rank
}

// Quantiles sum a distribution of durations up, in ns unless who holds them says otherwise. The
// Histogram has the rest.
type Quantiles struct {
	N uint64 `json:"n"`
	Summary
}

// Summary is a distribution in short: in ns, unless who holds it says otherwise.
type Summary struct {
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
}

// Quantiles sums h up, in ns. All are 0 if there is no duration.
func (h *Histogram) Quantiles() Quantiles {
	return Quantiles{h.count, Summary{
		Mean: float64(h.Mean()), P50: float64(h.Quantile(.5)), P90: float64(h.Quantile(.9)),
		P99: float64(h.Quantile(.99)), P999: float64(h.Quantile(.999)), Max: float64(h.Max()),
	}}
}

// In returns q, which is in ns, in another unit: time.Microsecond for µs.
func (q Quantiles) In(unit time.Duration) Quantiles {
	for _, v := range []*float64{&q.Mean, &q.P50, &q.P90, &q.P99, &q.P999, &q.Max} {
		*v /= float64(unit)
	}
	return q
}

// String returns a summary for people: number, mean, percentiles and maximum.
func (h *Histogram) String() string {
	return fmt.Sprintf("n=%d mean=%v p50=%v p90=%v p99=%v max=%v",
		h.count, h.Mean(), h.Quantile(.5), h.Quantile(.9), h.Quantile(.99), h.Max())
}
