package hist_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"switchyard/trace/hist"
)

func TestHistogramEmpty(t *testing.T) {
	var h hist.Histogram
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
			var h hist.Histogram
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
	var h hist.Histogram
	values := []time.Duration{-1, 0, 1, 63, 64, 65, 127, 128, 1 << 35, 1<<36 - 1, 1 << 36,
		math.MaxInt64}
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

// FuzzHistogram holds for all values: quantiles rise, lie between the smallest bucket and the
// maximum, and do not depend on the order of adding and merging.
func FuzzHistogram(f *testing.F) {
	f.Add(uint64(1), 100, 20)
	f.Add(uint64(2), 3, 60)
	f.Add(uint64(3), 1, 1)
	f.Fuzz(func(t *testing.T, seed uint64, n, bits int) {
		r := rand.New(rand.NewPCG(seed, 0))
		n, bits = n%2000, min(max(bits, 1), 62)
		var all, odd, even hist.Histogram
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
		if !odd.Equal(&all) {
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

// The buckets follow each other without a gap, and each is narrow.
func TestBounds(t *testing.T) {
	next := uint64(0)
	for i := range hist.Buckets {
		lo, hi := hist.Bounds(i)
		if lo != next || hi <= lo {
			t.Fatalf("bucket %d is %d to %d, want it to begin at %d", i, lo, hi, next)
		}
		if hist.Index(lo) != i || hist.Index(hi-1) != i {
			t.Errorf("bucket %d holds neither %d nor %d", i, lo, hi-1)
		}
		if i > 0 && i < hist.Buckets-1 && (hi-lo)*16 > lo {
			t.Errorf("bucket %d, %d to %d, is wider than 1/16 of its lower bound", i, lo, hi)
		}
		next = hi
	}
	if next != math.MaxUint64 {
		t.Errorf("the last bucket ends at %d", next)
	}
}

// The exact quantile lies between the bounds, and they are near each other.
func TestQuantileBounds(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var h hist.Histogram
	var exact []time.Duration
	for range 10_000 {
		d := time.Duration(math.Exp(6 + 12*r.Float64()))
		exact = append(exact, d)
		h.Add(d)
	}
	slices.Sort(exact)
	for q := .0; q <= 1; q += 1. / 128 {
		// The quantile of rank k/n is anything from the kth value to the next.
		want := exact[max(int(math.Ceil(q*float64(len(exact))))-1, 0)]
		lo, hi := h.QuantileBounds(q)
		if want < lo || want > hi {
			t.Errorf("q=%v: exactly %d, not between %d and %d", q, want, lo, hi)
		}
		if got := h.Quantile(q); got < lo || got > hi+1 {
			t.Errorf("q=%v: %d, not between %d and %d", q, got, lo, hi)
		}
		if lo >= 64 && float64(hi-lo) > float64(lo)/16 {
			t.Errorf("q=%v: %d and %d are more than 1/16 apart", q, lo, hi)
		}
	}
	if lo, hi := h.QuantileBounds(1); lo != h.Max() || hi != h.Max() {
		t.Errorf("the maximum is between %v and %v", lo, hi)
	}
	var none hist.Histogram
	if lo, hi := none.QuantileBounds(.5); lo != 0 || hi != 0 {
		t.Errorf("of nothing: %v, %v", lo, hi)
	}
}

func TestAddBuckets(t *testing.T) {
	var dense [hist.Buckets]uint64
	var want, got hist.Histogram
	var sum uint64
	for _, d := range []time.Duration{0, 63, 64, 64, 1e6, 1 << 40} {
		dense[hist.Index(uint64(d))]++
		sum += uint64(d)
		want.Add(d)
	}
	got.AddBuckets(&dense, sum, 1<<40)
	if !got.Equal(&want) {
		t.Errorf("got %v, want %v", &got, &want)
	}
	got.AddBuckets(&[hist.Buckets]uint64{}, 0, 0)
	if !got.Equal(&want) {
		t.Errorf("with nothing more: %v, want %v", &got, &want)
	}
}

// What is added to a clone is not in the original.
func TestClone(t *testing.T) {
	var h hist.Histogram
	h.Add(time.Millisecond)
	c := h.Clone()
	c.Add(time.Millisecond)
	var want hist.Histogram
	want.Add(time.Millisecond)
	if !h.Equal(&want) {
		t.Errorf("the original is %v", &h)
	}
}

func TestQuantilesIn(t *testing.T) {
	var h hist.Histogram
	for i := range 1000 {
		h.Add(time.Duration(i+1) * time.Microsecond)
	}
	ns, us := h.Quantiles(), h.Quantiles().In(time.Microsecond)
	if ns.N != 1000 || us.N != 1000 || us.Max != 1000 || us.Mean != 500.5 ||
		us.P999 != ns.P999/1000 || us.P50 != ns.P50/1000 {
		t.Errorf("%+v ns, %+v µs", ns, us)
	}
}

func TestJSON(t *testing.T) {
	for want, values := range map[string][]time.Duration{
		`{"n":0,"sum_ns":0,"max_ns":0,"buckets":[]}`:                            nil,
		`{"n":3,"sum_ns":1140,"max_ns":1000,"buckets":[[0,1],[128,1],[992,1]]}`: {5, 135, 1000},
	} {
		var h, back hist.Histogram
		for _, v := range values {
			h.Add(v)
		}
		got, err := json.Marshal(h)
		if err != nil || string(got) != want {
			t.Errorf("%v: %s, %v, want %s", values, got, err, want)
		}
		if err := json.Unmarshal(got, &back); err != nil || !back.Equal(&h) {
			t.Errorf("%s: %v, %v", got, &back, err)
		}
	}
	for name, bad := range map[string]string{
		"no bound of a bucket": `{"n":1,"sum_ns":5,"max_ns":5,"buckets":[[5,1]]}`,
		"an empty bucket":      `{"n":0,"sum_ns":0,"max_ns":0,"buckets":[[0,0]]}`,
		"order":                `{"n":2,"sum_ns":70,"max_ns":64,"buckets":[[64,1],[0,1]]}`,
		"twice":                `{"n":2,"sum_ns":2,"max_ns":1,"buckets":[[0,1],[0,1]]}`,
		"another number":       `{"n":2,"sum_ns":2,"max_ns":1,"buckets":[[0,1]]}`,
		"a maximum elsewhere":  `{"n":1,"sum_ns":1,"max_ns":64,"buckets":[[0,1]]}`,
		"a maximum of nothing": `{"n":0,"sum_ns":0,"max_ns":1,"buckets":[]}`,
		"more than can be":     `{"n":0,"sum_ns":1,"max_ns":64,"buckets":[[0,18446744073709551615],[64,1]]}`,
		"negative":             `{"n":1,"sum_ns":1,"max_ns":1,"buckets":[[0,-1]]}`,
	} {
		var h hist.Histogram
		if err := json.Unmarshal([]byte(bad), &h); err == nil {
			t.Errorf("%s: %v", name, &h)
		}
	}
}
