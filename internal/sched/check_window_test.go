package sched

import (
	"strings"
	"testing"
	"time"

	"switchyard/trace/event"
)

// An empty window, one in which there was no task, and one that lies where nothing was recorded are
// no result that passes.
func TestCheckWindow(t *testing.T) {
	const ms = int64(time.Millisecond)
	row := func(at int64) *event.Snapshot {
		return &event.Snapshot{Time: at, Task: 0, Activity: event.Blocked, State: 1}
	}
	for _, c := range []struct {
		what       string
		w          event.Window
		start, end *event.Snapshot
		reason     string // "": it passes
	}{
		{"as it is", event.Window{Open: 100 * ms, Close: 200 * ms}, row(99 * ms),
			row(201 * ms), ""},
		{"no end, which was cut off", event.Window{Open: 100 * ms, Close: 200 * ms}, row(99 * ms),
			nil, ""},
		{"a clock that is ahead", event.Window{Open: 100100 * ms, Close: 100200 * ms}, row(99 * ms),
			row(201 * ms), "one clock"},
		{"a clock that is behind", event.Window{Open: 10 * ms, Close: 20 * ms}, row(99 * ms),
			row(201 * ms), "one clock"},
		{"closed at once", event.Window{Open: 100 * ms, Close: 100 * ms}, row(99 * ms),
			row(201 * ms), "closed when it opened"},
		{"nobody", event.Window{Open: 100 * ms, Close: 200 * ms}, nil, nil, "none of the tasks"},
	} {
		a := NewAnalysis(c.w, Options{All: true, CPUs: 1})
		if c.start != nil {
			a.Start(c.start)
		}
		if c.end != nil {
			a.End(c.end)
		}
		a.Tasks([]event.Task{{TID: 7, Name: "sleeper", Started: 1}})
		found := false
		for _, k := range a.Result().Checks {
			if k.Name != "window" {
				continue
			}
			found = true
			if k.OK() != (c.reason == "") || !strings.Contains(k.Reason, c.reason) {
				t.Errorf("%s: %+v, want a reason with %q", c.what, k, c.reason)
			}
		}
		if !found {
			t.Errorf("%s: no check of the window", c.what)
		}
	}
}
