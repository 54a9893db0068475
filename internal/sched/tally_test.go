package sched

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"switchyard/trace/hist"
)

// A tally, and several merged, must say what all the values together say.
func TestTally(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var p pages
	var all hist.Histogram
	var values []int64
	for range 20 {
		var one tally
		for range rnd.IntN(300) {
			v := rnd.Int64N(1 << (1 + rnd.IntN(36)))
			values = append(values, v)
			p.add(&one, v)
		}
		h := one.histogram(&p)
		all.Merge(&h)
	}
	slices.Sort(values)
	var sum int64
	for _, v := range values {
		sum += v
	}
	if all.Count() != uint64(len(values)) || int64(all.Sum()) != sum ||
		int64(all.Max()) != values[len(values)-1] {
		t.Errorf("got %d values, sum %d, max %d; want %d, %d, %d", all.Count(), all.Sum(),
			all.Max(), len(values), sum, values[len(values)-1])
	}
	for _, q := range []float64{0.01, 0.1, 0.5, 0.9, 0.99} {
		want := values[min(int(q*float64(len(values))), len(values)-1)]
		got := uint64(all.Quantile(q))
		if lo, hi := hist.Bounds(hist.Index(uint64(want))); got < lo-lo/8 || got > hi+hi/8 {
			t.Errorf("quantile %v: got %d, want about %d", q, got, want)
		}
	}
	if all.Quantile(1) != all.Max() || all.Quantile(math.NaN()) != all.Quantile(0) {
		t.Error("quantiles at the ends")
	}
	var n uint64
	last := time.Duration(-1)
	for b := range all.Buckets() {
		if b.Low <= last || b.Count == 0 {
			t.Errorf("bucket %+v after %v", b, last)
		}
		last = b.Low
		n += b.Count
		for _, v := range values {
			if d := time.Duration(v); d >= b.Low && d < b.High {
				b.Count--
			}
		}
		if b.Count != 0 {
			t.Errorf("bucket from %v is off by %d", b.Low, int64(b.Count))
		}
	}
	if n != all.Count() {
		t.Errorf("buckets hold %d of %d", n, all.Count())
	}
	var none hist.Histogram
	if none.Quantile(0.5) != 0 || none.Mean() != 0 || none.Max() != 0 {
		t.Error("an empty histogram has values")
	}
}
