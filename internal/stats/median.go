// Package stats says what repeated measurements amount to. It is pure.
package stats

import (
	"encoding/json"
	"math"
	"slices"
)

// Estimate is the median of repeated measurements with a confidence interval for the true median.
// In JSON the interval of fewer than Enough measurements is null, and so is the median of none.
type Estimate struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	// probability that Low…High holds the true median; 0 with one measurement
	Confidence float64 `json:"confidence"`
	N          int     `json:"n"`
}

// Enough is how many measurements an interval takes that says something: from the smallest to the
// largest of five it holds the true median with 94 %, of four with 88 %, of two with 50 %.
const Enough = 5

// Interval reports whether Low…High is to be shown.
func (e Estimate) Interval() bool { return e.N >= Enough }

// MarshalJSON writes an interval that says nothing, and the median of nothing, as null.
func (e Estimate) MarshalJSON() ([]byte, error) {
	var out struct {
		Median     *float64 `json:"median"`
		Low        *float64 `json:"low"`
		High       *float64 `json:"high"`
		Confidence *float64 `json:"confidence"`
		N          int      `json:"n"`
	}
	if out.N = e.N; e.N > 0 {
		out.Median = &e.Median
	}
	if e.Interval() {
		out.Low, out.High, out.Confidence = &e.Low, &e.High, &e.Confidence
	}
	return json.Marshal(out)
}

// Median estimates from order statistics alone, assuming nothing of the distribution but that the
// measurements are independent: the interval is the narrowest symmetric pair of order statistics
// that reaches 95 %, or the smallest and the largest value when there are too few (fewer than six),
// with the confidence that they really give: 1 − 2^(1−n) (Conover, Practical Nonparametric
// Statistics, 3.2). The estimate of nothing is all zeros.
func Median(values []float64) Estimate {
	n := len(values)
	if n == 0 {
		return Estimate{}
	}
	v := slices.Sorted(slices.Values(values))
	e := Estimate{N: n, Median: (v[(n-1)/2] + v[n/2]) / 2, Low: v[0], High: v[n-1]}
	e.Confidence = 1 - math.Ldexp(1, 1-n)
	// Leaving k values out at each end leaves 1 − 2·P(at most k of n coins).
	tail, term := 0.0, math.Ldexp(1, -n)
	for k := 0; 2*k < n-1; k++ {
		tail += term
		if c := 1 - 2*tail; c < 0.95 {
			break
		} else {
			e.Low, e.High, e.Confidence = v[k], v[n-1-k], c
		}
		term *= float64(n-k) / float64(k+1)
	}
	return e
}

// Overlaps reports whether two intervals have a value in common: then what they estimate is not
// distinguishable. Both must be to be shown.
func (e Estimate) Overlaps(f Estimate) bool { return e.Low <= f.High && f.Low <= e.High }

// Spread is half the interval's width as a share of the median.
func (e Estimate) Spread() float64 {
	if e.Median == 0 {
		return 0
	}
	return (e.High - e.Low) / 2 / math.Abs(e.Median)
}
