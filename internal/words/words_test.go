package words

import "testing"

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0 rounds", 1: "1 round", 2: "2 rounds"} {
		if got := Count(n, "round"); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	if got := Count(uint64(2), "switch"); got != "2 switches" {
		t.Error(got)
	}
}
