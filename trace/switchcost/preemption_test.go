package switchcost

import (
	"testing"
	"time"
)

// TestCommonFlag: one bit is found among others that come and go; where two could be it, or none,
// there is an error.
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
