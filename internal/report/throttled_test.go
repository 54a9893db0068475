package report

import (
	"testing"

	"switchyard/trace/event"
)

func TestThrottledSentence(t *testing.T) {
	for _, c := range []struct {
		of   *event.Throttling
		want string
	}{
		{nil, ""},
		{&event.Throttling{Cgroups: []string{}, Read: 3}, ""},
		{&event.Throttling{Times: 1, Time: 23_000_000, Cgroups: []string{"/a"}}, "1 time, 23.0ms on all CPUs together (cgroup /a)"},
		{&event.Throttling{Times: 3, Cgroups: []string{"/a", "/b\x1b"}}, `3 times (cgroup /a, /b\x1b)`},
		{&event.Throttling{Time: 1009, Cgroups: []string{"/a", "/b", "/c"}}, "0 times, 1.01µs on all CPUs together (cgroup /a, /b, 1 more)"},
		{&event.Throttling{Times: 2}, "2 times"},
	} {
		want := c.want
		if want != "" {
			want = "Throttled by a limit on CPU bandwidth: " + want + ". Run-queue time and latency include that."
		}
		if got := throttledSentence(c.of); got != want {
			t.Errorf("%+v: %q, want %q", c.of, got, want)
		}
	}
}
