package main

import (
	"cmp"

	"switchyard/internal/report"
	"switchyard/trace"
)

// throttledOf is the tracer's reading as reports have it.
func throttledOf(t *trace.Throttling) *report.Throttled {
	if t == nil {
		return nil
	}
	return &report.Throttled{Count: t.Times, NS: int64(t.Time), Cgroups: append([]string{}, t.Cgroups...), Read: t.Read}
}

// sayThrottled puts a reading into a report, or why there is none.
func sayThrottled(t *report.Trace, r *report.Throttled, why string) {
	if t.Throttled = r; r == nil {
		t.Missing["throttled"] = cmp.Or(why, "the recording does not tell")
	}
}
