package report

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"switchyard/internal/rounds"
	"switchyard/internal/stats"
	"switchyard/internal/words"
	"switchyard/trace/event"
	"switchyard/trace/hist"
)

// column is one column of the table: its two-line head, which of the narrow tables it belongs to,
// and its cell in a row.
type column struct {
	head string // for text, in two lines
	key  string // for CSV and Markdown: the name with its unit
	// 1: what clients see and what it costs; 2: what the kernel did; 3: what else was counted
	part  int
	cell  func(ModelRow) string
	value func(ModelRow) *float64 // unrounded, for CSV
	least stats.AtLeast           // which of the latencies it is
	joint bool                    // its head goes on from that of the column before
}

func per(count *uint64, r ModelRow) *float64 {
	if count == nil || r.Requests == 0 {
		return nil
	}
	v := float64(*count) / float64(r.Requests)
	return &v
}

func of[T any](p *T, get func(T) float64) *float64 {
	if p == nil {
		return nil
	}
	v := get(*p)
	if math.IsNaN(v) {
		return nil
	}
	return &v
}

// ratio formats a count per request.
func ratio(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 0.0005:
		return "<.001"
	case v < 10:
		return strings.TrimPrefix(strconv.FormatFloat(v, 'f', 3, 64),
			"0")[:min(5, len(strings.TrimPrefix(strconv.FormatFloat(v, 'f', 3, 64), "0")))]
	}
	return strconv.FormatFloat(v, 'f', 1, 64)
}

// micros formats microseconds in at most six characters, with the unit.
func micros(v float64) string {
	switch {
	case v < 10:
		return strconv.FormatFloat(v, 'f', 1, 64) + "µ"
	case v < 10_000:
		return strconv.FormatFloat(v, 'f', 0, 64) + "µ"
	case v < 10_000_000:
		return strconv.FormatFloat(v/1e3, 'f', 0, 64) + "m"
	}
	return strconv.FormatFloat(v/1e6, 'f', 0, 64) + "s"
}

// size formats bytes in at most five characters.
func size(v float64) string {
	a := math.Abs(v)
	switch {
	case a < 1000:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a < 1000<<10:
		return strconv.FormatFloat(v/(1<<10), 'f', 0, 64) + "K"
	}
	return strconv.FormatFloat(v/(1<<20), 'f', 1, 64) + "M"
}

// thousands formats a whole number in groups of three digits.
func thousands(v float64) string {
	s := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + " " + s[i:]
	}
	return s
}

// fixed are the columns of every comparison.
var fixed = []column{
	{head: "requests\n/s", key: "requests/s", part: 1,
		cell: func(r ModelRow) string {
			switch {
			case r.Rate.N == 0:
				return "–"
			case !r.Rate.Interval():
				return thousands(r.Rate.Median) + "    –"
			}
			return fmt.Sprintf("%s ±%2.0f%%", thousands(r.Rate.Median), 100*r.Rate.Spread())
		},
		value: func(r ModelRow) *float64 { return r.RequestsPerSecond }},
	{head: "latency\np50", key: "latency p50 µs", part: 1, least: stats.AtLeastP50,
		value: func(r ModelRow) *float64 {
			return of(r.Latency, func(l stats.Quantiles) float64 { return l.P50 })
		}},
	{head: "\np99", key: "latency p99 µs", part: 1, joint: true, least: stats.AtLeastP99,
		value: func(r ModelRow) *float64 {
			return of(r.Latency, func(l stats.Quantiles) float64 { return l.P99 })
		}},
	{head: "vol.\nsw/req", key: "voluntary switches/request", part: 2,
		value: func(r ModelRow) *float64 {
			if r.Switches == nil {
				return nil
			}
			return per(&r.Switches.Voluntary, r)
		}},
	{head: "invol.\nsw/req", key: "involuntary switches/request", part: 2,
		value: func(r ModelRow) *float64 {
			if r.Switches == nil {
				return nil
			}
			return per(&r.Switches.Involuntary, r)
		}},
	{head: "a.space\nsw/req", key: "address-space switches/request", part: 2,
		value: func(r ModelRow) *float64 {
			if r.Switches == nil {
				return nil
			}
			return per(&r.Switches.AddressSpace, r)
		}},
	{head: "run q.\np99", key: "run-queue latency p99 µs", part: 2,
		value: func(r ModelRow) *float64 {
			return of(r.RunQueue, func(q hist.Quantiles) float64 { return q.P99 })
		}},
	{head: "syscls\n/req", key: "system calls/request", part: 2,
		value: func(r ModelRow) *float64 { return r.perRequest("syscalls") }},
	{head: "forks\n/req", key: "forks/request", part: 2,
		value: func(r ModelRow) *float64 { return per(r.Forks, r) }},
	{head: "threads\n/req", key: "threads created/request", part: 2,
		value: func(r ModelRow) *float64 { return per(r.ThreadsCreated, r) }},
	{head: "µs/req\nuser", key: "CPU user µs/request", part: 1,
		value: func(r ModelRow) *float64 {
			return of(r.CPU, func(c CPUPerRequest) float64 { return c.User })
		}},
	{head: "CPU\nsystem", key: "CPU system µs/request", part: 1, joint: true,
		value: func(r ModelRow) *float64 {
			return of(r.CPU, func(c CPUPerRequest) float64 { return c.System })
		}},
	{head: "PSS\n/conn", key: "PSS bytes/connection", part: 1,
		value: func(r ModelRow) *float64 { return r.PSSPerConn }},
}

// columns are all columns: those, and one for each that probes were asked for and has no place
// among them.
func (c *Compare) columns() []column {
	list := slices.Clone(fixed)
	for _, counted := range c.Columns {
		col := column{key: cmp.Or(counted.Title, counted.Name) + "/request", part: 3,
			value: func(r ModelRow) *float64 { return r.perRequest(counted.Name) }}
		if slices.ContainsFunc(fixed, func(f column) bool { return f.key == col.key }) {
			continue
		}
		if counted.Unit == "ns" || counted.Unit == "bytes" {
			col.key = cmp.Or(counted.Title, counted.Name) + " " + counted.Unit + "/request"
		}
		for _, line := range wrap(strings.TrimSuffix(col.key, "uest"), 16) {
			col.head += "\n" + strings.TrimSpace(line)
		}
		col.head = col.head[1:]
		list = append(list, col)
	}
	return list
}

// ofPart are the columns that stand in those of the narrow tables.
func ofPart(list []column, parts ...int) []column {
	return slices.DeleteFunc(slices.Clone(list), func(col column) bool {
		return !slices.Contains(parts, col.part)
	})
}

// text is a column's cell in a table for people; "–" when it is empty.
func (c column) text(r ModelRow) string {
	if c.cell != nil {
		return c.cell(r)
	}
	v := c.value(r)
	if v == nil {
		return "–"
	}
	switch {
	case c.least != 0 && r.Latency.AtLeast.Has(c.least):
		return stats.FormatAtLeast(*v)
	case strings.HasPrefix(c.key, "CPU"):
		if *v < 100 {
			return strconv.FormatFloat(*v, 'f', 1, 64)
		}
		return strconv.FormatFloat(*v, 'f', 0, 64)
	case strings.HasPrefix(c.key, "PSS"):
		return size(*v)
	case strings.HasSuffix(c.key, "µs"):
		return micros(*v)
	}
	return ratio(*v)
}

// WriteText writes the result for a terminal of so many columns: one table where it fits (109
// columns), otherwise two or more, one below the other. Failed checks come first.
func (c *Compare) WriteText(w io.Writer, width int) error {
	var b strings.Builder
	for _, line := range c.failures() {
		writeWrapped(&b, width, "%s", line)
	}
	for _, made := range c.tables(width) {
		b.WriteString(made + "\n\n")
	}
	for _, line := range c.Summary() {
		writeWrapped(&b, width, "%s", line)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// tables draws all columns in one table where that is not too wide, or those of every comparison,
// otherwise each part in as few as it fits in.
func (c *Compare) tables(width int) []string {
	all := c.columns()
	if whole, fits := c.table(all, width); fits {
		return []string{whole}
	}
	var made []string
	parts := [][]column{ofPart(all, 1), ofPart(all, 2), ofPart(all, 3)}
	if both := ofPart(all, 1, 2); len(both) < len(all) {
		if _, fits := c.table(both, width); fits {
			parts = [][]column{both, parts[2]}
		}
	}
	for _, rest := range parts {
		for len(rest) > 0 {
			n := len(rest)
			drawn, fits := c.table(rest, width)
			for n > 1 && !fits {
				if n--; !rest[n].joint {
					drawn, fits = c.table(rest[:n], width)
				}
			}
			made, rest = append(made, drawn), rest[n:]
		}
	}
	return made
}

// table draws some columns, and says whether they fit.
func (c *Compare) table(some []column, width int) (drawn string, fits bool) {
	t := sheet{aligns: []text.Align{text.AlignLeft}, head: table.Row{"model\n"}}
	for _, col := range some {
		t.head = append(t.head, col.head)
	}
	for _, r := range c.Models {
		row := table.Row{label{Printable(r.Model), ""}}
		for _, col := range some {
			row = append(row, col.text(r))
		}
		t.rows = append(t.rows, row)
	}
	if drawn, _ = t.render(1 << 20); text.LongestLineLen(drawn) <= width {
		return drawn, true
	}
	drawn, _ = t.render(width)
	return drawn, false
}

// failures are the lines that must come before anything else.
func (c *Compare) failures() []string {
	var lines []string
	for _, r := range c.Models {
		for _, k := range r.Checks {
			if k.Status == event.Fail {
				lines = append(lines,
					fmt.Sprintf("CHECK FAILED: %s, %s: %s", Printable(r.Model), k.Name,
						Difference(k)))
			}
		}
		if r.LostEvents > 0 {
			lines = append(lines,
				fmt.Sprintf("LOST EVENTS: %s: %d; its traced columns are lower bounds",
					Printable(r.Model), r.LostEvents))
		}
	}
	return lines
}

// Summary is what stands below the table, a line each.
func (c *Compare) Summary() []string {
	var lines []string
	o := c.Options
	what := o.Path
	if o.Protocol == "echo" {
		what = "echo"
	}
	conn := "kept connections"
	if o.RequestsPerConn > 0 {
		conn = "a new connection after " + words.Count(o.RequestsPerConn, "request")
	}
	rounds := fmt.Sprintf("%s of %gs interleaved", words.Count(o.Rounds, "round"),
		o.DurationSeconds)
	if o.Trace {
		rounds += ", without probes, and others with them for the counts"
	}
	lines = append(lines, fmt.Sprintf("%s, %s, %s; %s; server on CPU %s, load on CPU %s; seed %d.",
		words.Count(o.Clients, "client"), Printable(what), conn, rounds, o.ServerCPUs,
		o.LoadCPUs, o.Seed))
	for _, r := range c.Models {
		if !r.Available {
			lines = append(lines,
				fmt.Sprintf("%s: not available: %s.", Printable(r.Model), Printable(r.Reason)))
		}
		if r.Errors > 0 {
			lines = append(lines, fmt.Sprintf("%s: %s (%s).", Printable(r.Model),
				words.Count(r.Errors, "error"), kinds(r.ErrorKinds)))
		}
		if r.Unfinished > 0 {
			lines = append(lines, fmt.Sprintf("%s: %s had no answer when the time was up.",
				Printable(r.Model), words.Count(r.Unfinished, "request")))
		}
		if l := r.Latency; l != nil && l.Unanswered > 0 {
			lines = append(lines, fmt.Sprintf("%s: lower bounds only, of requests that were never answered: %d of %d latencies, and so %s.",
				Printable(r.Model), l.Unanswered, l.Count+l.Unanswered,
				strings.Join(l.AtLeast.Keys(), ", ")))
		}
		for _, n := range r.Notes {
			lines = append(lines, fmt.Sprintf("%s: %s", Printable(r.Model), Printable(n)))
		}
	}
	lines = append(lines, c.emptyColumns()...)
	lines = append(lines, c.checkLines()...)
	lines = append(lines, c.probeLines()...)
	if line := c.fastest(); line != "" {
		lines = append(lines, line)
	}
	lines = append(lines, fmt.Sprintf("Machine: Linux %s, %s%s, %s; %s.",
		Printable(c.Host.Kernel), words.Count(c.Host.CPUs, "CPU"), cpuModel(c.Host.Model),
		c.Host.Go, meanwhile(c.Host)))
	if models := throttledModels(c.Models); models != "" {
		lines = append(lines,
			"Note: servers were throttled by a limit on CPU bandwidth, which holds requests up and looks like run-queue latency: "+
				models+".")
	}
	for _, warning := range c.Warnings {
		lines = append(lines, "Note: "+Printable(warning))
	}
	if c.Interrupted {
		lines = append(lines, "Interrupted: fewer rounds than asked for.")
	}
	return lines
}

func cpuModel(s string) string {
	if s == "" {
		return ""
	}
	return " (" + Printable(s) + ")"
}

// emptyColumns says once for each reason which columns are empty.
func (c *Compare) emptyColumns() []string {
	reasons := map[string][]string{}
	var order []string
	note := func(reason, what string) {
		if reasons[reason] == nil {
			order = append(order, reason)
		}
		reasons[reason] = append(reasons[reason], what)
	}
	for _, r := range c.Models {
		if r.Rounds == 0 && r.CountRounds == 0 {
			continue
		}
		if !r.Traced && r.TraceReason != "" {
			note(r.TraceReason, "")
		}
		for _, key := range sorted(keys(r.Missing)) {
			note(r.Missing[key], key)
		}
	}
	var lines []string
	for _, reason := range order {
		what := map[string]bool{}
		var names []string
		for _, k := range reasons[reason] {
			if k != "" && !what[k] {
				what[k] = true
				names = append(names, k)
			}
		}
		if len(names) == 0 {
			lines = append(lines, "Traced columns are empty: "+Printable(reason)+".")
			continue
		}
		lines = append(lines, "Empty: "+strings.Join(sorted(names), ", ")+": "+Printable(reason)+".")
	}
	return lines
}

// probeLines says what the probes cost and lost.
func (c *Compare) probeLines() []string {
	var lost uint64
	var worst *ModelRow
	traced := false
	for i := range c.Models {
		r := &c.Models[i]
		traced = traced || r.Traced
		lost += r.LostEvents
		if r.ProbeShare != nil && (worst == nil || *r.ProbeShare > *worst.ProbeShare) {
			worst = r
		}
	}
	if !traced {
		return nil
	}
	line := "No event was lost."
	if lost > 0 {
		line = fmt.Sprintf("Lost: %s.", words.Count(lost, "event"))
	}
	var found, noise []string
	for i := range c.ProbeCost {
		p := &c.ProbeCost[i]
		to := fmt.Sprintf("to %s (%s)", p.Unit, p.Doc)
		if p.Found() {
			found = append(found, fmt.Sprintf("%.0f ns (%.0f to %.0f) %s",
				p.Added.Median, p.Added.Low, p.Added.High, to))
		} else {
			noise = append(noise, fmt.Sprintf("%s %.0f to %.0f ns", to, p.Added.Low, p.Added.High))
		}
	}
	if len(found) > 0 {
		line += " Probes, which are attached in the rounds that count and no others, add " +
			strings.Join(found, ", ")
		if worst != nil {
			line += fmt.Sprintf("; in those rounds at most %.1f %% of a server's CPU time (%s)",
				100**worst.ProbeShare, Printable(worst.Model))
		}
		line += "."
	}
	if len(noise) > 0 {
		line += " What probes add is lost in the noise of a busy machine: " +
			strings.Join(noise, ", ") + "."
	}
	return []string{line}
}

// checkLines sums the checks up by name.
func (c *Compare) checkLines() []string {
	type sum struct {
		pass, fail, none int
		reason           string
	}
	sums := map[string]*sum{}
	var order []string
	for _, r := range c.Models {
		for _, k := range r.Checks {
			s := sums[k.Name]
			if s == nil {
				s = &sum{}
				sums[k.Name] = s
				order = append(order, k.Name)
			}
			switch {
			case k.Status == event.Unavailable:
				s.none++
				s.reason = k.Reason
			case k.OK():
				s.pass++
			default:
				s.fail++
			}
		}
	}
	var kernel, own, clients []string
	for _, name := range order {
		s := sums[name]
		var part string
		switch {
		case s.fail > 0:
			part = fmt.Sprintf("%s FAIL on %d of %d", name, s.fail, s.fail+s.pass)
		case s.pass > 0:
			part = fmt.Sprintf("%s PASS on %d of %d", name, s.pass, s.pass)
		default:
			part = fmt.Sprintf("%s not available (%s)", name, Printable(s.reason))
		}
		switch name {
		case "tasks", "life": // both sides are the tracer's
			own = append(own, part)
		case rounds.RequestsCheck:
			clients = append(clients, part)
		default:
			kernel = append(kernel, part)
		}
	}
	var lines []string
	if len(kernel) > 0 {
		lines = append(lines, "Checks against the kernel's own books: "+strings.Join(kernel, "; ")+".")
	}
	if len(clients) > 0 {
		lines = append(lines, "What servers answered and what clients counted: "+
			strings.Join(clients, "; ")+".")
	}
	if len(own) > 0 {
		lines = append(lines, "The tracer's own sums: "+strings.Join(own, "; ")+".")
	}
	return lines
}

// fastest names the model with the most requests a second and those that are not distinguishable
// from it.
func (c *Compare) fastest() string {
	var best *ModelRow
	for i := range c.Models {
		if r := &c.Models[i]; r.Rate.Interval() &&
			(best == nil || r.Rate.Median > best.Rate.Median) {
			best = r
		}
	}
	if best == nil {
		return ""
	}
	var same []string
	for _, r := range c.Models {
		if r.Model != best.Model && r.Rate.Interval() && r.Rate.Overlaps(best.Rate) {
			same = append(same, Printable(r.Model))
		}
	}
	line := fmt.Sprintf("Most requests per second: %s (median of %d rounds; ± is half of the %.0f %% interval)",
		Printable(best.Model), best.Rate.N, 100*best.Rate.Confidence)
	if len(same) > 0 {
		return line + "; not distinguishable from it: " + strings.Join(same, ", ") + "."
	}
	return line + "."
}

// meanwhile says what else the machine did.
func meanwhile(h Host) string {
	if h.OtherShare == nil || h.StealShare == nil {
		return "what else it did meanwhile is not known"
	}
	return fmt.Sprintf("meanwhile other tasks used %.1f %% of all CPU time, the hypervisor took %.1f %%",
		100**h.OtherShare, 100**h.StealShare)
}
