package sys

import "testing"

func TestParseTimeOffsets(t *testing.T) {
	for text, want := range map[string]clockOffsets{
		"monotonic           0         0\nboottime            0         0\n": {},
		"monotonic          -5 250000000\nboottime       100000         7\n": {-4_750_000_000,
			100_000_000_000_007},
		"1 2 3\n7 4 5\n8 9 9\n":         {2_000_000_003, 4_000_000_005},
		"boottime x 0\n\nmonotonic 1\n": {},
	} {
		if got := parseTimeOffsets(text); got != want {
			t.Errorf("%q: %+v, want %+v", text, got, want)
		}
	}
}
