package stats

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   Estimate
	}{
		{nil, Estimate{}},
		{[]float64{7}, Estimate{Median: 7, Low: 7, High: 7, N: 1}},
		{[]float64{3, 1}, Estimate{Median: 2, Low: 1, High: 3, Confidence: 0.5, N: 2}},
		{[]float64{5, 3, 1, 2, 4}, Estimate{Median: 3, Low: 1, High: 5, Confidence: 0.9375, N: 5}},
		{[]float64{6, 5, 3, 1, 2, 4}, Estimate{Median: 3.5, Low: 1, High: 6, Confidence: 0.96875,
			N: 6}},
		// Nine values: the second and the eighth give 1 − 2·10/512.
		{[]float64{9, 8, 7, 6, 5, 4, 3, 2, 1}, Estimate{Median: 5, Low: 2, High: 8,
			Confidence: 1 - 20.0/512, N: 9}},
	} {
		if got := Median(test.values); got != test.want {
			t.Errorf("Median(%v) = %+v, want %+v", test.values, got, test.want)
		}
	}
}

// An interval that one in ten medians or more lies outside of is none.
func TestIntervalTakesEnough(t *testing.T) {
	for n := range 12 {
		e := Median(make([]float64, n))
		if got, want := e.Interval(), e.Confidence >= 0.9; got != want {
			t.Errorf("%d values: interval %t with %.2f", n, got, e.Confidence)
		}
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var back map[string]any
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"low", "high", "confidence"} {
			if v, there := back[key]; !there || (v != nil) != e.Interval() {
				t.Errorf("%d values: %s is %v in %s", n, key, v, text)
			}
		}
		if len(back) != 5 || back["n"] != float64(n) || (back["median"] != nil) != (n > 0) {
			t.Errorf("%d values: %s", n, text)
		}
	}
}

// The interval must hold the true median as often as it says.
func TestMedianCoverage(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{5, 9, 20} {
		held, said := 0, 0.0
		const trials = 4000
		for range trials {
			v := make([]float64, n)
			for i := range v {
				v[i] = math.Exp(r.NormFloat64()) // skewed; median 1
			}
			e := Median(v)
			said = e.Confidence
			if e.Low <= 1 && 1 <= e.High {
				held++
			}
		}
		if got := float64(held) / trials; math.Abs(got-said) > 0.02 {
			t.Errorf("%d values: held %.3f, said %.3f", n, got, said)
		}
	}
}
