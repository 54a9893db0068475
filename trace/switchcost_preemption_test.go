package trace

import (
	"math/bits"
	"testing"
	"time"
)

// TestCommonFlag: one bit is found among others that come and go; where two could be it, or none, there is an error.
func TestCommonFlag(t *testing.T) {
	times := func(n int, flags ...time.Duration) (all []time.Duration) {
		for i := range n {
			all = append(all, flags[i%len(flags)])
		}
		return all
	}
	for _, c := range []struct {
		name    string
		samples []time.Duration
		want    uint64
	}{
		{"the same", times(20, 8), 8},
		{"the highest", times(20, -1<<63), 1 << 63},
		{"others, seldom", append(times(20, 8), 4, 12, 10), 8},
		{"too few", times(flagSamples-1, 8), 0},
		{"two together", times(20, 12), 0},
		{"two in turn", times(20, 8, 16), 0},
		{"one more, often", times(21, 8, 8, 9), 0},
		{"none", times(20, 1, 2, 4, 8, 16), 0},
	} {
		flag, err := commonFlag(c.samples)
		if flag != c.want || (err == nil) != (c.want != 0) {
			t.Errorf("%s: %#x, %v, want %#x", c.name, flag, err, c.want)
		}
	}
}

// TestRequestFlags: the same flags are found each time, one or two, and not by chance.
func TestRequestFlags(t *testing.T) {
	s, err := OpenSwitchCost(SwitchCostOptions{})
	if err != nil {
		t.Skip(err)
	}
	defer s.Close()
	if s.asked != byWaking {
		t.Skip("not needed: ", s.asked, s.missing["preemption"])
	}
	if err := closeLinks(s.first); err != nil { // they keep requests where requestFlags does
		t.Fatal(err)
	}
	s.first = nil
	var first uint64
	for i := range 5 {
		began := time.Now()
		flags, err := s.requestFlags()
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%#x, in %v", flags, time.Since(began))
		if i == 0 {
			first = flags
		}
		if n := bits.OnesCount64(flags); flags != first || n < 1 || n > 2 {
			t.Errorf("flags %#x, at first %#x", flags, first)
		}
	}
}
