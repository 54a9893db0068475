package capture

import (
	"slices"

	"switchyard/internal/report"
	"switchyard/trace"
	"switchyard/trace/event"
)

// perEvent measures what an event of a depth costs. Without an answer there is a reason.
func perEvent(o *Options, name string) (ns *float64, how string) {
	if o.Calibrate == 0 {
		return nil, "not asked for (--calibrate)"
	}
	prices, err := trace.Calibrate(o.Hurried, o.Calibrate, name)
	if o.Hurried.Err() != nil {
		return nil, "interrupted while it was measured"
	}
	if err != nil {
		return nil, err.Error()
	}
	i := slices.IndexFunc(prices, func(p event.Price) bool { return p.Name == name })
	cost := report.OfPrice(&prices[i])
	return cost.Price()
}
