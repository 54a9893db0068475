package report

import (
	"fmt"
	"strings"

	"switchyard/internal/load"
	"switchyard/internal/stats"
	"switchyard/internal/words"
)

// TraceLoad is what the clients of a load beside a trace saw, in short.
type TraceLoad struct {
	Target  string `json:"target"`
	Loop    string `json:"loop"` // closed or open
	Clients int    `json:"clients"`
	// requests a second that were to be sent, of an open loop
	Rate              float64         `json:"rate"`
	Seconds           float64         `json:"seconds"`
	Requests          uint64          `json:"requests"` // answered well
	Errors            uint64          `json:"errors"`
	RequestsPerSecond float64         `json:"requests_per_second"`
	Latency           stats.Quantiles `json:"latency_us"`
	Warnings          []string        `json:"warnings,omitempty"`
}

// OfLoad is what clients saw, in short.
func OfLoad(r *load.Result) *TraceLoad {
	return &TraceLoad{
		Target: r.Target, Loop: r.Options.Loop, Clients: r.Options.Clients, Rate: r.Options.Rate,
		Seconds: r.Window.Seconds, Requests: r.Requests, Errors: r.Errors,
		RequestsPerSecond: r.RequestsPerSecond, Latency: r.Latency, Warnings: r.Warnings,
	}
}

// sentence says it in words; "" of none.
func (l *TraceLoad) sentence() string {
	if l == nil {
		return ""
	}
	how := "in a closed loop"
	if l.Loop == "open" {
		how = decimal(l.Rate) + " requests/s due"
	}
	us := func(v float64, mark stats.AtLeast) string {
		if l.Latency.AtLeast.Has(mark) {
			return stats.FormatAtLeast(v)
		}
		return nanos(v * 1e3)
	}
	s := fmt.Sprintf("Load on %s by %s, %s: %s in %.2f s (%.0f/s), %s; latency p50 %s, p99 %s, max %s.",
		Printable(l.Target), words.Count(l.Clients, "client"), how,
		words.Count(l.Requests, "request"), l.Seconds,
		l.RequestsPerSecond, words.Count(l.Errors, "error"),
		us(l.Latency.P50, stats.AtLeastP50), us(l.Latency.P99, stats.AtLeastP99), us(l.Latency.Max,
			stats.AtLeastMax))
	for _, w := range l.Warnings {
		s += " Warning: " + strings.TrimSuffix(Printable(w), ".") + "."
	}
	return s
}
