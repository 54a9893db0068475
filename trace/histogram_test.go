package trace_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"switchyard/trace"
)

func TestHistogramEmpty(t *testing.T) {
	var h trace.Histogram
	if h.Count() != 0 || h.Sum() != 0 || h.Max() != 0 || h.Mean() != 0 || h.Quantile(.5) != 0 {
		t.Errorf("not empty: %v", &h)
	}
	for range h.Buckets() {
		t.Error("has a bucket")
	}
}

// TestHistogramQuantiles compares with the exact quantiles of known distributions.
func TestHistogramQuantiles(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for name, draw := range map[string]func() float64{
		"uniform":     func() float64 { return 64 + r.Float64()*1e6 },
		"exponential": func() float64 { return 64 + r.ExpFloat64()*50e3 },
		"log-normal":  func() float64 { return 64 + math.Exp(10+2*r.NormFloat64()) },
		"constant":    func() float64 { return 12345 },
	} {
		t.Run(name, func(t *testing.T) {
			var h trace.Histogram
			var exact []time.Duration
			var sum time.Duration
			for range 100_003 {
				d := time.Duration(draw())
				exact = append(exact, d)
				sum += d
				h.Add(d)
			}
			slices.Sort(exact)
			for _, q := range []float64{.001, .1, .25, .5, .75, .9, .99, .999} {
				want := exact[int(q*float64(len(exact)-1))]
				if got := h.Quantile(q); math.Abs(float64(got-want)) > float64(want)/16+1 {
					t.Errorf("q=%v: %v, exactly %v: off by more than 6.25 %%", q, got, want)
				}
			}
			if h.Max() != exact[len(exact)-1] || h.Quantile(1) != h.Max() {
				t.Errorf("max %v, q=1 %v, exactly %v", h.Max(), h.Quantile(1), exact[len(exact)-1])
			}
			if h.Sum() != sum || h.Count() != 100_003 {
				t.Errorf("sum %v of %d, want %v", h.Sum(), h.Count(), sum)
			}
		})
	}
}

func TestHistogramEdges(t *testing.T) {
	var h trace.Histogram
	values := []time.Duration{-1, 0, 1, 63, 64, 65, 127, 128, 1 << 35, 1<<36 - 1, 1 << 36, math.MaxInt64}
	for _, v := range values {
		h.Add(v)
	}
	var n uint64
	last := time.Duration(-1)
	for b := range h.Buckets() {
		n += b.Count
		if b.Low <= last-1 || b.High <= b.Low {
			t.Errorf("bucket [%d, %d) after %d", b.Low, b.High, last)
		}
		if b.Low >= 64 && b.Low < 1<<36 && float64(b.High-b.Low) > float64(b.Low)/16 {
			t.Errorf("bucket [%d, %d) is wider than 1/16", b.Low, b.High)
		}
		last = b.High
	}
	if n != uint64(len(values)) {
		t.Errorf("%d values in buckets, want %d", n, len(values))
	}
	for _, q := range []float64{math.NaN(), math.Inf(-1), -1} {
		if got := h.Quantile(q); got != h.Quantile(0) {
			t.Errorf("q=%v: %v, want that of 0", q, got)
		}
	}
	if got := h.Quantile(2); got != math.MaxInt64 {
		t.Errorf("q=2: %v, want the maximum", got)
	}
}

// FuzzHistogram holds for all values: quantiles rise, lie between the smallest bucket and the maximum, and do not depend
// on the order of adding and merging.
func FuzzHistogram(f *testing.F) {
	f.Add(uint64(1), 100, 20)
	f.Add(uint64(2), 3, 60)
	f.Add(uint64(3), 1, 1)
	f.Fuzz(func(t *testing.T, seed uint64, n, bits int) {
		r := rand.New(rand.NewPCG(seed, 0))
		n, bits = n%2000, min(max(bits, 1), 62)
		var all, odd, even trace.Histogram
		for i := range n {
			d := time.Duration(r.Uint64() >> (64 - bits))
			all.Add(d)
			if i%2 == 0 {
				even.Add(d)
			} else {
				odd.Add(d)
			}
		}
		odd.Merge(&even)
		if odd != all {
			t.Fatal("merged halves differ from the whole")
		}
		last := time.Duration(-1)
		for q := 0.; q <= 1; q += 1. / 64 {
			v := all.Quantile(q)
			if v < last || v > all.Max() {
				t.Fatalf("q=%v: %d after %d, maximum %d", q, v, last, all.Max())
			}
			last = v
		}
	})
}
