package compare

import (
	"slices"
	"testing"
	"time"

	"switchyard/internal/proc"
	"switchyard/trace"
	"switchyard/trace/event"
)

func TestCPUNotes(t *testing.T) {
	two, one := proc.CPUList{0, 1}, proc.CPUList{0}
	gone := &trace.Counts{Window: time.Second,
		Offline: []event.Absence{{CPU: 1, From: 5e6, To: 1e9}}}
	for _, c := range []struct {
		before, after proc.CPUList
		counts        *trace.Counts
		want          []string
	}{
		{two, two, nil, nil},
		{nil, two, &trace.Counts{}, nil},
		{two, one, nil, []string{"CPUs 0-1 were online when it began, and 0 at its end"}},
		{two, two, gone, []string{
			"CPUs were offline while it was measured: CPU 1 from 5.00ms to the end"}},
	} {
		if got := cpuNotes(c.before, c.after, c.counts); !slices.Equal(got, c.want) {
			t.Errorf("%v, %v: %q, want %q", c.before, c.after, got, c.want)
		}
	}
}
