package load

import (
	"math"
	"math/rand/v2"

	"switchyard/internal/stats"
)

// Arrivals is the law by which the open loop decides when requests are due.
type Arrivals string

const (
	Constant Arrivals = "constant" // evenly spaced
	// independent: exponential gaps, as many unrelated users make them
	Poisson Arrivals = "poisson"
)

// schedule yields the intended send times of one loop's share of an open loop, in order, in
// nanoseconds since the window opened. It is the queue of the open loop too: what is due and not
// yet sent is what it has not yet been asked for, so the queue has no length at which anything is
// dropped.
//
// Of n loops loop i takes every n-th arrival of a constant rate; a Poisson process splits into n
// independent ones of an n-th of the rate.
type schedule struct {
	period float64 // ns between this loop's arrivals, on average
	offset float64 // ns
	i      float64 // arrivals taken
	sum    float64 // Poisson: time of the next arrival
	rng    *rand.Rand
}

// newSchedule makes the share of loop i of n. stream tells apart the sequences of one seed (warm-up
// and window).
func newSchedule(a Arrivals, rate float64, i, n int, seed uint64, stream uint64) *schedule {
	s := &schedule{period: 1e9 * float64(n) / rate, offset: 1e9 * float64(i) / rate}
	if a == Poisson {
		s.rng = rand.New(rand.NewPCG(seed, stream<<32|uint64(i)))
		s.sum = s.period * s.rng.ExpFloat64()
	}
	return s
}

// next is the intended time of the first arrival that was not taken yet.
func (s *schedule) next() int64 {
	t := s.sum
	if s.rng == nil {
		t = s.offset + s.i*s.period
	}
	if t >= math.MaxInt64/2 {
		return math.MaxInt64 / 2
	}
	return int64(t)
}

// take removes the arrival that next tells.
func (s *schedule) take() {
	s.i++
	if s.rng != nil {
		s.sum += s.period * s.rng.ExpFloat64()
	}
}

// rest takes all arrivals before end and returns how many they were. It tells waited by how much
// they came before end, many at a time: n of them at least by ns.
func (s *schedule) rest(end int64, waited func(ns int64, n uint64)) (all uint64) {
	if s.rng != nil {
		all = s.many(end, waited)
	}
	var bound int64
	var n uint64
	for s.next() < end {
		ns := end - s.next()
		if b := stats.Bound(ns); b != bound {
			if n > 0 {
				waited(bound, n)
			}
			bound, n = b, 0
		}
		k := uint64(1)
		if s.rng == nil {
			// All of one bound at once, but the last one or two, of which rounding decides.
			k = uint64(max(1, math.Floor(float64(ns-bound)/s.period)-1))
			s.i += float64(k)
		} else {
			s.take()
		}
		n += k
		all += k
	}
	if n > 0 {
		waited(bound, n)
	}
	return all
}

// oneByOne is how many Poisson arrivals rest takes one by one.
const oneByOne = 10_000_000

// many is rest for more Poisson arrivals than could be taken one by one, all but the last of them.
// How many fall into a time is drawn instead: with so many that is the normal distribution.
func (s *schedule) many(end int64, waited func(ns int64, n uint64)) (all uint64) {
	for (float64(end)-s.sum)/s.period > oneByOne {
		ns := int64(float64(end) - s.sum)
		bound := stats.Bound(ns)
		length := max(float64(ns-bound)+1, s.period) // to where the next bound begins
		mean := length / s.period
		n := uint64(max(0, math.Round(mean+math.Sqrt(mean)*s.rng.NormFloat64())))
		if n > 0 {
			waited(bound, n)
		}
		s.i += float64(n)
		s.sum += length
		all += n
	}
	return all
}
