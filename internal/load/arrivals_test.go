package load

import (
	"maps"
	"math"
	"testing"

	"switchyard/internal/stats"
)

func TestConstantArrivalsAreEvenOverAllLoops(t *testing.T) {
	const rate, loops, window = 300.0, 3, 2_000_000_000
	var all []int64
	for i := range loops {
		s := newSchedule(Constant, rate, i, loops, 1, 1)
		for s.next() < window {
			all = append(all, s.next())
			s.take()
		}
	}
	if len(all) != 600 {
		t.Fatalf("%d arrivals in 2 s at %v/s, want 600", len(all), rate)
	}
	due := map[int64]bool{}
	for _, a := range all {
		due[(a*300+500_000_000)/1_000_000_000] = true // nearest slot
	}
	if len(due) != 600 {
		t.Errorf("the loops share %d of 600 slots", len(due))
	}
}

func TestConstantArrivalsDoNotDrift(t *testing.T) {
	s := newSchedule(Constant, 3, 0, 1, 0, 0)
	for range 3 * 3600 * 24 {
		s.take()
	}
	if d := s.next() - 24*3600*1_000_000_000; d < -1000 || d > 1000 {
		t.Errorf("after a day: off by %d ns", d)
	}
}

func TestPoissonArrivals(t *testing.T) {
	const rate, n = 1000.0, 200_000
	for _, loops := range []int{1, 4} {
		s := newSchedule(Poisson, rate, 0, loops, 42, 1)
		mean := 1e9 * float64(loops) / rate
		var sum, sq float64
		last := int64(0)
		for range n {
			gap := float64(s.next() - last)
			if gap < 0 {
				t.Fatal("arrivals go back in time")
			}
			last = s.next()
			sum += gap
			sq += gap * gap
			s.take()
		}
		m := sum / n
		sd := math.Sqrt(sq/n - m*m)
		// Standard error of the mean is mean/√n = 0.2 %, of the deviation 0.3 %.
		if math.Abs(m/mean-1) > 0.01 || math.Abs(sd/mean-1) > 0.015 {
			t.Errorf("%d loops: mean gap %.0f ns, deviation %.0f ns, want %.0f for both", loops, m,
				sd, mean)
		}
	}
	// Counts in windows: variance equals the mean.
	s := newSchedule(Poisson, rate, 0, 1, 7, 1)
	const windows, width = 5000, 20_000_000
	var cs, cq float64
	for w := range int64(windows) {
		c := float64(s.rest((w+1)*width, func(int64, uint64) {}))
		cs += c
		cq += c * c
	}
	m := cs / windows
	if v := cq/windows - m*m; math.Abs(m-20) > 0.4 || math.Abs(v/m-1) > 0.1 {
		t.Errorf("counts in 20 ms: mean %.2f, variance %.2f, want 20 for both", m, v)
	}
}

func TestArrivalsAreReproducible(t *testing.T) {
	take := func(seed, stream uint64, loop int) (v [50]int64) {
		s := newSchedule(Poisson, 100, loop, 2, seed, stream)
		for i := range v {
			v[i] = s.next()
			s.take()
		}
		return v
	}
	a := take(1, 1, 0)
	if a != take(1, 1, 0) {
		t.Error("the same seed gives other arrivals")
	}
	if a == take(2, 1, 0) || a == take(1, 0, 0) || a == take(1, 1, 1) {
		t.Error("another seed, stream or loop gives the same arrivals")
	}
}

func TestRestCountsWhatIsDue(t *testing.T) {
	s := newSchedule(Constant, 10, 0, 1, 0, 0)
	s.take()
	none := func(int64, uint64) {}
	if n := s.rest(1_000_000_000, none); n != 9 {
		t.Errorf("%d arrivals left in the first second, want 9", n)
	}
	if n := s.rest(1_000_000_000, none); n != 0 {
		t.Errorf("%d arrivals left after all were taken", n)
	}
}

func TestRestIsWhatTakingOneByOneCounts(t *testing.T) {
	for _, law := range []Arrivals{Constant, Poisson} {
		for _, rate := range []float64{0.3, 7, 999.7, 123456} {
			for loop := range 3 {
				a, b := newSchedule(law, rate, loop, 3, 0, 0), newSchedule(law, rate, loop, 3, 0, 0)
				const end = 1_234_567_891
				var n uint64
				waited, want := map[int64]uint64{}, map[int64]uint64{}
				for a.next() < end {
					want[stats.Bound(end-a.next())]++
					a.take()
					n++
				}
				got := b.rest(end, func(ns int64, k uint64) { waited[ns] += k })
				if got != n || b.next() != a.next() {
					t.Errorf("%s, rate %v, loop %d: rest counts %d, one by one %d", law, rate, loop,
						got, n)
				}
				if !maps.Equal(waited, want) {
					t.Errorf("%s, rate %v, loop %d: they waited %v, one by one %v", law, rate, loop,
						waited, want)
				}
			}
		}
	}
}

// A run may ask for more arrivals than anybody could count one by one.
func TestRestOfVeryMany(t *testing.T) {
	const rate, end = 1e7, int64(MaxTime)
	for _, law := range []Arrivals{Constant, Poisson} {
		s := newSchedule(law, rate, 0, 1, 1, 0)
		var sum uint64
		last := int64(math.MaxInt64)
		got := s.rest(end, func(ns int64, n uint64) {
			if ns > last {
				t.Fatalf("%s: bounds rise: %d after %d", law, ns, last)
			}
			last = ns
			sum += n
		})
		want := rate * float64(end) / 1e9
		if sum != got || math.Abs(float64(got)-want) > 10*math.Sqrt(want) || s.next() < end {
			t.Errorf("%s: %d arrivals, %d told of, want %.0f", law, got, sum, want)
		}
	}
}
