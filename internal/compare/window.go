package compare

import (
	"context"
	"fmt"

	"switchyard/internal/child"
	"switchyard/internal/proc"
	"switchyard/internal/report"
	"switchyard/internal/rounds"
	"switchyard/trace"
	"switchyard/trace/event"
)

// A Window measures a server between OpenWindow and Close.
type Window struct {
	server    *child.Server
	session   *trace.Session
	throttled *trace.ThrottleWatch
	before    proc.CPU
}

// Seen is what a server did in a window.
type Seen struct {
	// CPU is what it and all its descendants used.
	CPU proc.CPU
	// Counts is what the tracer saw of them; nil without one.
	Counts *trace.Counts
	// Throttled is how often its cgroups were kept from the CPU; nil if it is not known, and why.
	Throttled    *event.Throttling
	ThrottledWhy error
}

// OpenWindow begins to measure. With a session, which must follow the server
// (trace.Session.Follow), it counts too; nil is none.
func OpenWindow(ctx context.Context, s *child.Server, session *trace.Session) (*Window, error) {
	w := &Window{server: s, session: session}
	var err error
	if w.before, err = s.CPU(ctx); err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	if session != nil {
		if err := session.Start(); err != nil {
			return nil, fmt.Errorf("open the window: %w", err)
		}
	}
	w.throttled = trace.WatchThrottling(s.PID())
	return w, nil
}

// Close ends the window.
func (w *Window) Close(ctx context.Context) (*Seen, error) {
	seen := &Seen{}
	seen.Throttled, seen.ThrottledWhy = w.throttled.Read()
	var err error
	if w.session != nil {
		if seen.Counts, err = w.session.Stop(); err != nil {
			return nil, fmt.Errorf("close the window: %w", err)
		}
	}
	after, err := w.server.CPU(ctx)
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	seen.CPU = after.Sub(w.before)
	return seen, nil
}

// CountsOf is what a round keeps of the tracer's counts: all tasks together.
func CountsOf(c *trace.Counts) *rounds.Counts {
	k := &rounds.Counts{
		Totals: c.Total.Totals, PageFaults: c.Total.PageFaults, CPU: c.Total.CPU,
		Distributions: c.Distributions,
		Values:        c.Values,
		Lost:          c.LostEvents(), Missing: map[string]string{},
	}
	for column, why := range c.Missing {
		switch {
		case why == trace.NotAsked, column == "new_task_latencies",
			column == "offline": // no column of it
		case column == "throttled": // looked at in all rounds
		default:
			k.Missing[column] = report.OneLine(why)
		}
	}
	return k
}
