package report

import "testing"

func TestThrottledSentence(t *testing.T) {
	for _, c := range []struct {
		of   *Throttled
		want string
	}{
		{nil, ""},
		{&Throttled{Cgroups: []string{}, Read: 3}, ""},
		{&Throttled{Count: 1, NS: 23_000_000, Cgroups: []string{"/a"}}, "1 time, 23.0ms on all CPUs together (cgroup /a)"},
		{&Throttled{Count: 3, Cgroups: []string{"/a", "/b\x1b"}}, `3 times (cgroup /a, /b\x1b)`},
		{&Throttled{NS: 1009, Cgroups: []string{"/a", "/b", "/c"}}, "0 times, 1.01µs on all CPUs together (cgroup /a, /b, 1 more)"},
		{&Throttled{Count: 2}, "2 times"},
	} {
		want := c.want
		if want != "" {
			want = "Throttled by a limit on CPU bandwidth: " + want + ". Run-queue time and latency include that."
		}
		if got := c.of.sentence(); got != want {
			t.Errorf("%+v: %q, want %q", c.of, got, want)
		}
	}
}
