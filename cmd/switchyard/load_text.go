package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"switchyard/internal/load"
	"switchyard/internal/report"
	interval "switchyard/internal/stats"
)

// writeLoadText writes a result for people.
func writeLoadText(w io.Writer, r *load.Result) error {
	o := r.Options
	how := "closed loop"
	if o.Loop == "open" {
		how = fmt.Sprintf("open loop, %s requests/s, %s arrivals", decimal(o.Rate), o.Arrivals)
		if o.Arrivals == load.Poisson {
			how += fmt.Sprintf(" (seed %d)", o.Seed)
		}
	}
	how += fmt.Sprintf("; %s on %s", count(uint64(o.Clients), "client", "clients"), count(uint64(o.Threads), "thread", "threads"))
	if o.RequestsPerConn > 0 {
		how += fmt.Sprintf(", %s per connection", count(uint64(o.RequestsPerConn), "request", "requests"))
	}
	if o.Idle > 0 {
		how += fmt.Sprintf(", %d idle connections beside them", r.Idle.Open)
	}
	rows := [][]string{
		{"target", r.Target + " (" + r.Address + ")"},
		{"load", how},
		{"requests", fmt.Sprintf("%d in %.2f s: %s requests/s", r.Requests, r.Window.Seconds, decimal(r.RequestsPerSecond))},
		{"errors", errorsText(r)},
		{"connections", connectionsText(r)},
		{"bytes", fmt.Sprintf("%d read, %d written", r.Bytes.Read, r.Bytes.Written)},
		{"generator", fmt.Sprintf("%.0f %% of %s", 100*r.Generator.CPUShare, count(uint64(o.Threads), "CPU", "CPUs"))},
	}
	if o.Loop == "open" && r.Generator.Queued > 0 {
		rows = append(rows, []string{"queued", fmt.Sprintf("%d requests found no client free, for at most %s ms",
			r.Generator.Queued, decimal(r.Generator.QueueMaxUS/1e3))})
	}
	if err := writeTable(w, rows); err != nil {
		return err
	}
	fmt.Fprintln(w)
	table := [][]string{{"µs", "p50", "p90", "p99", "p99.9", "max", "mean", "count"}}
	for _, q := range []struct {
		name string
		q    load.Quantiles
	}{{"latency", r.Latency}, {"connect", r.Connect}, {"lateness", r.Generator.Lateness}} {
		if q.q.Count+q.q.Unanswered > 0 {
			v := func(us float64, mark interval.AtLeast) string {
				if q.q.AtLeast.Has(mark) {
					return interval.FormatAtLeast(us)
				}
				return decimal(us)
			}
			table = append(table, []string{q.name, v(q.q.P50, interval.AtLeastP50), v(q.q.P90, interval.AtLeastP90), v(q.q.P99, interval.AtLeastP99),
				v(q.q.P999, interval.AtLeastP999), v(q.q.Max, interval.AtLeastMax), v(q.q.Mean, interval.AtLeastMean), strconv.FormatUint(q.q.Count+q.q.Unanswered, 10)})
		}
	}
	if len(table) > 1 {
		if err := writeTable(w, table); err != nil {
			return err
		}
	}
	for i, warning := range r.Warnings {
		if i == 0 {
			fmt.Fprintln(w)
		}
		if _, err := fmt.Fprintf(w, "warning: %s\n", report.OneLine(warning)); err != nil {
			return fmt.Errorf("write result: %w", err)
		}
	}
	return nil
}

func connectionsText(r *load.Result) string {
	s := fmt.Sprintf("%d opened in the window, %d in all", r.Connections.Opened, r.Connections.OpenedInAll)
	if n := r.Connections.Reconnects; n > 0 {
		s += fmt.Sprintf("; %s sent again, as the server had closed a kept one", count(n, "request", "requests"))
	}
	return s
}

// errorsText lists the errors by kind, with an example of each.
func errorsText(r *load.Result) string {
	if r.Errors == 0 {
		return "0"
	}
	var kinds []string
	for _, e := range r.ErrorsByKind {
		kind := fmt.Sprintf("%d %s", e.Count, e.Kind)
		if e.Example != "" {
			kind += " (" + report.OneLine(e.Example) + ")"
		}
		kinds = append(kinds, kind)
	}
	return fmt.Sprintf("%d: %s", r.Errors, strings.Join(kinds, ", "))
}

// decimal writes a number with the three digits that a reader can use, and no
// exponent.
func decimal(v float64) string {
	switch {
	case v == 0 || v >= 100 || v <= -100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10 || v <= -10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}
