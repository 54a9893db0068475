package stats

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// fill records the values, those above the limit as what was given up there.
func fill(values []int64, limit int64) *Latencies {
	l := NewLatencies()
	for _, v := range values {
		if v > limit {
			l.RecordAtLeast(limit, 1)
		} else {
			l.Record(v)
		}
	}
	return l
}

// One request in ten is never answered: the quantiles above the ninetieth are bounds, those below
// are what they would be with answers.
func TestUnansweredCount(t *testing.T) {
	l := NewLatencies()
	for range 900 {
		l.Record(int64(time.Millisecond))
	}
	l.RecordAtLeast(int64(300*time.Millisecond), 100)
	q := l.Quantiles()
	if q.Count != 900 || q.Unanswered != 100 {
		t.Errorf("%+v", q)
	}
	if q.P99 != 300_000 || q.P999 != 300_000 || q.Max != 300_000 || q.P50 < 999 || q.P50 > 1001 ||
		q.P90 != q.P50 {
		t.Errorf("%+v", q)
	}
	if want := AtLeastP99 | AtLeastP999 | AtLeastMax | AtLeastMean; q.AtLeast != want {
		t.Errorf("at least: %q, want %q", q.AtLeast.Keys(), want.Keys())
	}
	if got := FormatAtLeast(q.P99); got != ">300ms" {
		t.Errorf("%q", got)
	}
}

// A bound below a quantile that many answers lie at does not blur it; one that decides does.
func TestEarlyBound(t *testing.T) {
	l := NewLatencies()
	for range 1000 {
		l.Record(200e6)
	}
	l.RecordAtLeast(50e6, 1)
	q := l.Quantiles()
	if want := AtLeastMin | AtLeastMax | AtLeastMean; q.AtLeast != want || q.Min != 50_000 {
		t.Errorf("%+v: at least %q, want %q", q, q.AtLeast.Keys(), want.Keys())
	}
}

// Whatever the requests that were given up would have taken, a quantile that is not marked is that
// of the whole, and one that is marked is no larger than it.
func TestQuantilesHoldForTheWhole(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		values := make([]int64, 1+rng.IntN(400))
		for i := range values {
			values[i] = 1 + rng.Int64N(1e9)
		}
		limit := 1 + rng.Int64N(12e8)
		cut, whole := fill(values, limit).Quantiles(), fill(values, int64(MaxLatency)).Quantiles()
		for _, c := range []struct {
			mark      AtLeast
			got, want float64
		}{{AtLeastMin, cut.Min, whole.Min}, {AtLeastP50, cut.P50, whole.P50},
			{AtLeastP90, cut.P90, whole.P90}, {AtLeastP99, cut.P99, whole.P99},
			{AtLeastP999, cut.P999, whole.P999}, {AtLeastMax, cut.Max, whole.Max},
			{AtLeastMean, cut.Mean, whole.Mean}} {
			if cut.AtLeast.Has(c.mark) && c.got > c.want*1.001 || !cut.AtLeast.Has(c.mark) &&
				c.got != c.want {
				t.Fatalf("%d values cut at %d, %q: got %v (marked %v), the whole has %v",
					len(values), limit, c.mark.Keys(), c.got, cut.AtLeast.Has(c.mark), c.want)
			}
		}
	}
}

func TestLatenciesComeBack(t *testing.T) {
	l := fill([]int64{1, 1000, 5e9, 7e9}, 6e9)
	l.RecordAtLeast(12345678, 3)
	b, err := json.Marshal(l.Encode())
	if err != nil {
		t.Fatal(err)
	}
	var e Encoded
	if err := json.Unmarshal(b, &e); err != nil {
		t.Fatal(err)
	}
	back, err := e.Decode()
	if err != nil || back.Quantiles() != l.Quantiles() {
		t.Errorf("%+v came back as %+v, %v", l.Quantiles(), back.Quantiles(), err)
	}
	twice := NewLatencies()
	twice.Merge(l)
	twice.Merge(back)
	if q := twice.Quantiles(); q.Count != 6 || q.Unanswered != 8 {
		t.Errorf("merged: %+v", q)
	}
	twice.Reset()
	if q := twice.Quantiles(); q != (Quantiles{}) {
		t.Errorf("reset: %+v", q)
	}
	var q Quantiles
	if b, err = json.Marshal(l.Quantiles()); err == nil {
		err = json.Unmarshal(b, &q)
	}
	if err != nil || q != l.Quantiles() {
		t.Errorf("%s came back as %+v, %v", b, q, err)
	}
}

func TestForgedLatencies(t *testing.T) {
	good := NewLatencies().Encode()
	for name, e := range map[string]Encoded{
		"nothing":        {},
		"garbage":        {Known: "garbage"},
		"large":          {Known: string(make([]byte, maxEncoded+1))},
		"negative bound": {good.Known, [][2]int64{{-1, 1}}},
		"negative count": {good.Known, [][2]int64{{1, -1}}},
	} {
		if _, err := e.Decode(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestBound(t *testing.T) {
	for in, want := range map[int64]int64{-5: 1, 0: 1, 9999: 9999, 12345: 12340, 300e6: 300e6,
		123456789: 123400000, 1 << 62: int64(MaxLatency)} {
		if got := Bound(in); got != want {
			t.Errorf("%d: %d, want %d", in, got, want)
		}
	}
	if !slices.IsSorted([]int64{Bound(9999), Bound(10_000), Bound(10_001), Bound(10_010)}) {
		t.Error("bounds are not in order")
	}
}
