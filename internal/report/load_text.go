package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"switchyard/internal/load"
	"switchyard/internal/stats"
	"switchyard/internal/words"
)

// writeLoadText writes what the clients of a load generator saw, for people.
func writeLoadText(w io.Writer, r *load.Result, width int) error {
	var b strings.Builder
	if err := WriteTable(&b, width, loadLines(r)); err != nil {
		return err
	}
	if times := loadTimes(r); len(times.rows) > 0 {
		b.WriteString("\n")
		times.write(&b, width)
	}
	for i, warning := range r.Warnings {
		if i == 0 {
			b.WriteString("\n")
		}
		writeWrapped(&b, width, "warning: %s", OneLine(warning))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// loadLines are the lines above the table.
func loadLines(r *load.Result) [][]string {
	o := r.Options
	how := "closed loop"
	if o.Loop == "open" {
		how = fmt.Sprintf("open loop, %s requests/s, %s arrivals", decimal(o.Rate), o.Arrivals)
		if o.Arrivals == load.Poisson {
			how += fmt.Sprintf(" (seed %d)", o.Seed)
		}
	}
	how += fmt.Sprintf("; %s on %s", words.Count(o.Clients, "client"), words.Count(o.Threads, "thread"))
	if o.RequestsPerConn > 0 {
		how += fmt.Sprintf(", %s per connection", words.Count(o.RequestsPerConn, "request"))
	}
	if o.Idle > 0 {
		how += fmt.Sprintf(", %s beside them",
			words.Count(r.Idle.Open, "idle connection"))
	}
	rows := [][]string{
		{"target", r.Target + " (" + r.Address + ")"},
		{"load", how},
		{"requests", fmt.Sprintf("%d in %.2f s: %s requests/s", r.Requests, r.Window.Seconds,
			decimal(r.RequestsPerSecond))},
		{"errors", loadErrors(r)},
		{"connections", loadConnections(r)},
		{"bytes", fmt.Sprintf("%d read, %d written", r.Bytes.Read, r.Bytes.Written)},
		{"generator", fmt.Sprintf("%.0f %% of %s", 100*r.Generator.CPUShare,
			words.Count(o.Threads, "CPU"))},
	}
	if o.Loop == "open" && r.Generator.Queued > 0 {
		rows = append(rows, []string{"queued", fmt.Sprintf(
			"%s found no client free, for at most %s ms",
			words.Count(r.Generator.Queued, "request"), decimal(r.Generator.QueueMaxUS/1e3))})
	}
	return rows
}

// loadTimes is the table: a row for each kind of time of which there was one.
func loadTimes(r *load.Result) *sheet {
	s := &sheet{
		aligns: []text.Align{text.AlignLeft},
		head:   table.Row{"", "p50", "p90", "p99", "p99.9", "max", "mean", "count"},
		spares: []spare{{"the mean", []int{6}}, {"p90 and p99.9", []int{2, 4}}},
	}
	for _, row := range []struct {
		name string
		q    *load.Quantiles
	}{{"latency", &r.Latency}, {"connect", &r.Connect}, {"lateness", &r.Generator.Lateness}} {
		q := row.q
		if q.Count+q.Unanswered == 0 {
			continue
		}
		v := func(us float64, mark stats.AtLeast) string {
			if q.AtLeast.Has(mark) {
				return stats.FormatAtLeast(us)
			}
			return nanos(us * 1e3)
		}
		s.rows = append(s.rows, table.Row{row.name,
			v(q.P50, stats.AtLeastP50), v(q.P90, stats.AtLeastP90), v(q.P99, stats.AtLeastP99),
			v(q.P999, stats.AtLeastP999), v(q.Max, stats.AtLeastMax), v(q.Mean, stats.AtLeastMean),
			q.Count + q.Unanswered})
	}
	return s
}

func loadConnections(r *load.Result) string {
	s := fmt.Sprintf("%d opened in the window, %d in all", r.Connections.Opened,
		r.Connections.OpenedInAll)
	if n := r.Connections.Reconnects; n > 0 {
		s += fmt.Sprintf("; %s sent again, as the server had closed a kept one",
			words.Count(int(n), "request"))
	}
	return s
}

// loadErrors lists the errors by kind, with an example of each.
func loadErrors(r *load.Result) string {
	if r.Errors == 0 {
		return "0"
	}
	var kinds []string
	for _, e := range r.ErrorsByKind {
		kind := fmt.Sprintf("%d %s", e.Count, e.Kind)
		if e.Example != "" {
			kind += " (" + OneLine(e.Example) + ")"
		}
		kinds = append(kinds, kind)
	}
	if len(kinds) == 1 {
		return kinds[0]
	}
	return fmt.Sprintf("%d: %s", r.Errors, strings.Join(kinds, ", "))
}

// decimal writes a number with the three digits that a reader can use, and no exponent.
func decimal(v float64) string {
	switch {
	case v == 0 || v >= 100 || v <= -100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10 || v <= -10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}
