package main

import (
	"cmp"

	"switchyard/internal/report"
	"switchyard/trace/event"
)

// sayThrottled puts a reading into a report, or why there is none.
func sayThrottled(t *report.Trace, r *event.Throttling, why string) {
	if t.Throttled = r; r == nil {
		t.Missing["throttled"] = cmp.Or(why, "the recording does not tell")
	}
}
