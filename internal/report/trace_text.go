package report

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"switchyard/internal/words"
	"switchyard/trace/hist"
)

// How many rows each table of the text form has; JSON has them all.
const (
	traceTasks  = 20
	tracePairs  = 10
	traceChains = 5
)

// WriteText writes tables for a terminal. What failed comes first.
func (t *Trace) WriteText(w io.Writer, width int) error {
	var b strings.Builder
	for _, c := range t.Failed() {
		writeWrapped(&b, width,
			"FAIL %s: %s (traced %d, kernel %d): do not trust what depends on it", c.Name,
			Printable(c.Reason), c.Traced, c.Kernel)
	}
	if n := t.LostEvents(); n > 0 {
		writeWrapped(&b, width, "LOST %s%s: what touches them is marked !",
			words.Count(n, "event"), t.lostWhere())
	}
	total := &t.Total
	writeWrapped(&b, width, "%s, %s depth, %s, Linux %s, %s", Printable(t.Of), t.Depth,
		nanos(float64(t.WindowNS)), Printable(t.Host.Kernel), words.Count(t.Host.CPUs, "CPU"))
	if s := t.Load.sentence(); s != "" {
		writeWrapped(&b, width, "%s", s)
	}
	fmt.Fprintln(&b)

	tasks := taskSheet()
	shown := t.Tasks[:min(len(t.Tasks), traceTasks)]
	for i := range shown {
		tasks.rows = append(tasks.rows, taskRow(&shown[i]))
	}
	if len(shown) != 1 || t.OtherTasks > 0 {
		row := taskRow(total)
		row[0], row[1] = "all", label{"", fmt.Sprint(uint64(len(t.Tasks)) + t.OtherTasks)}
		tasks.rows, tasks.total = append(tasks.rows, row), len(tasks.rows)
	}
	tasks.write(&b, width)
	if n := uint64(len(t.Tasks)-len(shown)) + t.OtherTasks; n > 0 {
		writeWrapped(&b, width, "In the sum too: %s (--format json lists %d)",
			words.Count(n, "more task"), len(t.Tasks))
	}

	s := total.Switches
	fmt.Fprintln(&b)
	writeWrapped(&b, width,
		"Switches into these tasks: %d address-space, %d thread, %d kept; away from them to idle or kernel threads: %d lazy.",
		s.AddressSpace, s.Thread, s.Kept, s.Lazy)
	if total.RunQueueLatency != nil {
		writeWrapped(&b, width, "Run-queue latency: %s. Wake-ups by an interrupt: %d of %d.",
			quantiles(total.RunQueueLatency), total.WakeupsByInterrupt, total.Wakeups)
	}
	if s := throttledSentence(t.Throttled); s != "" {
		writeWrapped(&b, width, "%s", s)
	}
	if c := total.MigrationCauses; len(c) > 0 {
		var parts []string
		for _, k := range sorted(keys(c)) {
			parts = append(parts, fmt.Sprintf("%d %s", c[k], k))
		}
		writeWrapped(&b, width, "Migrations: %s.", strings.Join(parts, ", "))
	}
	t.writeLives(&b, width)
	for _, v := range t.Values {
		writeWrapped(&b, width, "%s", sentence(v))
	}
	t.writeSwitchCost(&b, width)
	writePairs(&b, "Who took the CPU from whom, and how long that one then waited", "took",
		t.Preemptors, width)
	writePairs(&b, "Who woke whom, and how long that one then took to run", "woke", t.Wakers, width)
	t.writeChains(&b, width)
	t.writeCPUs(&b, width)
	t.writeFoot(&b, width)
	_, err := io.WriteString(w, b.String())
	return err
}

func keys[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	return out
}

// taskSheet is the table of tasks without its rows.
func taskSheet() *sheet {
	return &sheet{
		aligns: []text.Align{text.AlignRight, text.AlignLeft},
		head: table.Row{"tid", "task", "on CPU", "", "run\nqueue", "", "blocked", "",
			"vol.\nsw.",
			"invol.\nsw.", "wake-\nups", "migra-\ntions",
			"wake-up\np50", "latency\np99", "\nmax"},
		spares: []spare{
			{"shares of a task's life", []int{3, 5, 7}},
			{"longest wake-up latencies", []int{14}},
			{"migrations", []int{11}},
			{"wake-ups", []int{10}},
			{"wake-up latencies", []int{12, 13}},
			{"switches", []int{8, 9}},
		},
	}
}

func taskRow(t *TraceTask) table.Row {
	mark := ""
	if t.Lossy {
		mark = "!"
	}
	row := table.Row{t.TID, label{Printable(t.Name), mark}}
	for _, d := range []time.Duration{t.OnCPU, t.RunQueue, t.Blocked} {
		row = append(row, nanos(float64(d)), share(d, t.Life))
	}
	row = append(row, t.Switches.Voluntary, t.Switches.Involuntary, t.Wakeups, t.Migrations)
	if l := t.WakeupLatency; l != nil && l.N > 0 {
		return append(row, nanos(l.P50), nanos(l.P99), nanos(l.Max))
	}
	return append(row, "–", "–", "–")
}

func share(part, whole time.Duration) string {
	if whole == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f%%", 100*float64(part)/float64(whole))
}

// nanos formats a time given in ns, in at most six characters.
func nanos(ns float64) string {
	for _, u := range []struct {
		size float64
		unit string
	}{{1, "ns"}, {1e3, "µs"}, {1e6, "ms"}} {
		v := ns / u.size
		switch {
		case v < 9.995 && u.size > 1:
			return strconv.FormatFloat(v, 'f', 2, 64) + u.unit
		case v < 99.95 && u.size > 1:
			return strconv.FormatFloat(v, 'f', 1, 64) + u.unit
		case v < 999.5:
			return strconv.FormatFloat(v, 'f', 0, 64) + u.unit
		}
	}
	return strconv.FormatFloat(ns/1e9, 'f', 2, 64) + "s"
}

// quantiles says in one line what a distribution of ns is like.
func quantiles(d *hist.Quantiles) string {
	return fmt.Sprintf("%d, mean %s, p50 %s, p99 %s, max %s", d.N, nanos(d.Mean), nanos(d.P50),
		nanos(d.P99), nanos(d.Max))
}

func (t *Trace) lostWhere() string {
	if len(t.Lost) == 0 {
		return ""
	}
	cpus := make(map[int]bool)
	for _, l := range t.Lost {
		cpus[l.CPU] = true
	}
	return fmt.Sprintf(" in %s on %s (a larger --buffer may keep them)",
		words.Count(len(t.Lost), "interval"), words.Count(len(cpus), "CPU"))
}

func (t *Trace) writeSwitchCost(b *strings.Builder, width int) {
	k := t.SwitchCost
	if k == nil {
		return
	}
	c := sheet{
		aligns: []text.Align{text.AlignLeft},
		head:   table.Row{"cost of a switch", "count", "mean", "p50", "p99", "max"},
		spares: []spare{{"the longest", []int{5}}, {"the mean", []int{2}}},
	}
	for _, row := range []struct {
		name string
		d    *hist.Quantiles
	}{
		{"thread", k.Thread}, {"address space", k.AddressSpace}, {"  TLB flushed",
			k.Flush}, {"  TLB kept", k.NoFlush}, {"kept", k.Kept},
		{"lazy", k.Lazy}, {"from idle", k.Idle}, {"request to preempt, until", k.Preemption},
	} {
		if d := row.d; d != nil && d.N > 0 {
			c.rows = append(c.rows, table.Row{label{row.name, ""}, d.N, nanos(d.Mean),
				nanos(d.P50), nanos(d.P99), nanos(d.Max)})
		}
	}
	fmt.Fprintln(b)
	c.write(b, width)
	note := fmt.Sprintf("Of all tasks on the machine, by %s; %s for the probe subtracted.", k.By,
		nanos(k.Probe))
	if d := k.Preemption; d != nil && d.N > 0 && k.PreemptionBy != "" {
		note += fmt.Sprintf(" A request to preempt is %s.", k.PreemptionBy)
	}
	writeWrapped(b, width, "%s", note)
}

func writePairs(b *strings.Builder, title, verb string, pairs []TracePair, width int) {
	if len(pairs) == 0 {
		return
	}
	pairs = slices.Clone(pairs)
	slices.SortStableFunc(pairs, func(x, y TracePair) int { return int(y.NS - x.NS) })
	p := sheet{
		aligns: []text.Align{text.AlignLeft, text.AlignLeft},
		head:   table.Row{"by", verb, "times", "in all", "mean"},
		spares: []spare{{"the mean", []int{4}}, {"how often", []int{2}}},
	}
	for _, x := range pairs[:min(len(pairs), tracePairs)] {
		mean := "–"
		if x.Count > 0 {
			mean = nanos(float64(x.NS) / float64(x.Count))
		}
		p.rows = append(p.rows, table.Row{
			who(x.By, x.ByTID), who(x.Of, x.OfTID), x.Count, nanos(float64(x.NS)), mean,
		})
	}
	fmt.Fprintln(b)
	writeWrapped(b, width, "%s:", title)
	p.write(b, width)
	if n := len(pairs) - tracePairs; n > 0 {
		writeWrapped(b, width, "%s (--format json lists all)", words.Count(n, "more pair"))
	}
}

// writeChains shows the worst chains of wakings, a line each: the task that was woken last, and
// before it who woke whom.
func (t *Trace) writeChains(b *strings.Builder, width int) {
	if len(t.Chains) == 0 {
		return
	}
	fmt.Fprintln(b)
	writeWrapped(b, width,
		"What tasks waited with those before them in a chain of wakings, the longest first "+
			"(each with its own wait for a CPU; > woke):")
	for _, c := range t.Chains[:min(len(t.Chains), traceChains)] {
		var parts []string
		for _, l := range c.Links {
			parts = append(parts, fmt.Sprintf("%s %s", who(l.Name, l.TID), nanos(float64(l.OwnNS))))
		}
		parts = append(parts, fmt.Sprintf("%s %s", who(c.Name, c.TID), nanos(float64(c.OwnNS))))
		writeWrapped(b, width, "%s at %s: %s", nanos(float64(c.CompoundNS)), nanos(float64(c.AtNS)),
			strings.Join(parts, " > "))
	}
	if n := len(t.Chains) - traceChains; n > 0 {
		writeWrapped(b, width, "%s (--format json lists all)", words.Count(n, "more chain"))
	}
}

// writeLives says how many tasks came and went, and which are in no sum.
func (t *Trace) writeLives(b *strings.Builder, width int) {
	if t.Appeared != nil && t.Disappeared != nil && *t.Appeared+*t.Disappeared > 0 {
		writeWrapped(b, width, "Tasks made in the window: %d, ended: %d.", *t.Appeared,
			*t.Disappeared)
	}
	if t.Hidden != nil && *t.Hidden > 0 {
		writeWrapped(b, width, "In no sum: %s that the kernel keeps from tracing.",
			words.Count(int(*t.Hidden), "task"))
	}
	if k := t.Total.Fine; k != nil && k.UnseenSwitches+k.UnseenWakings > 0 {
		writeWrapped(b, width, "Kept from tracing by the kernel: %s into these tasks "+
			"and %d of their wakings; %s on a CPU is inferred.",
			words.Count(k.UnseenSwitches, "switch"), k.UnseenWakings, nanos(float64(k.InferredNS)))
	}
	if k := t.Tracer; k != nil && k.OnCPU > 0 {
		writeWrapped(b, width,
			"In no task's row but in the CPUs' times: the tracer itself, %s on a CPU, %s.",
			nanos(float64(k.OnCPU)), words.Count(k.Switches.Total(), "switch"))
	}
}

func (t *Trace) writeCPUs(b *strings.Builder, width int) {
	t.writeCPUTable(b, width)
	if s := t.offlineSentence(); s != "" {
		writeWrapped(b, width, "%s", s)
	}
	q := t.RunQueue
	if q == nil {
		return
	}
	if len(t.CPUs) == 0 {
		writeWrapped(b, width, "Of these tasks %.2f waited for a CPU in the mean, %d at most.",
			q.Mean, q.Max)
	}
	if q.ViolationCount > 0 {
		lengths := ""
		if d := q.ViolationLengths; d != nil {
			lengths = fmt.Sprintf(" (p50 %s, p99 %s)", nanos(d.P50), nanos(d.P99))
		}
		writeWrapped(b, width,
			"A task waited while another CPU was idle: %s, %s in all, %s at most%s. "+
				"Whether it was allowed there is not known.", words.Count(q.ViolationCount, "time"),
			nanos(float64(q.ViolationNS)),
			nanos(float64(q.ViolationMaxNS)), lengths)
	}
	if q.UnknownNS > 0 {
		writeWrapped(b, width,
			"How many tasks waited is not known for %s of the window: events were lost.",
			nanos(float64(q.UnknownNS)))
	}
}

func (t *Trace) writeCPUTable(b *strings.Builder, width int) {
	if len(t.CPUs) == 0 {
		return
	}
	c := sheet{
		head:   table.Row{"CPU", "busy", "idle", "switches", "tasks waiting\nmean", "\nmax"},
		spares: []spare{{"the most that waited", []int{5}}, {"the time idle", []int{2}}},
	}
	for _, x := range t.CPUs {
		part := func(d time.Duration) string {
			return fmt.Sprintf("%.1f%%",
				100*float64(d)/max(1, float64(t.WindowNS)))
		}
		c.rows = append(c.rows, table.Row{x.Number, part(x.Busy), part(x.Idle), x.Switches,
			fmt.Sprintf("%.2f", x.Mean), x.Max})
	}
	fmt.Fprintln(b)
	c.write(b, width)
}

func (t *Trace) writeFoot(b *strings.Builder, width int) {
	fmt.Fprintln(b)
	var passed, notes, reasons []string
	noted, unavailable := make(map[string][]string), make(map[string][]string) // by reason
	for _, c := range t.Checks {
		switch c.Status {
		case "pass":
			passed = append(passed, c.Name)
			if c.Reason != "" { // what it was not made of
				if noted[c.Reason] == nil {
					notes = append(notes, c.Reason)
				}
				noted[c.Reason] = append(noted[c.Reason], c.Name)
			}
		case "unavailable":
			if unavailable[c.Reason] == nil {
				reasons = append(reasons, c.Reason)
			}
			unavailable[c.Reason] = append(unavailable[c.Reason], c.Name)
		}
	}
	var lines []string
	for _, r := range notes {
		lines = append(lines, fmt.Sprintf("In %s: %s.", strings.Join(noted[r], ", "), Printable(r)))
	}
	for _, r := range reasons {
		lines = append(lines,
			fmt.Sprintf("Not available: %s: %s.", strings.Join(unavailable[r], ", "), Printable(r)))
	}
	if len(passed) > 0 {
		lines = append([]string{"Checks PASS: " + strings.Join(passed, ", ") + "."}, lines...)
	}
	c := t.Cost
	cost := "Cost: " + words.Count(c.Events, "event")
	if c.BytesPerEvent != nil {
		cost += fmt.Sprintf(" of %.1f bytes", *c.BytesPerEvent)
	}
	if c.NSPerEvent != nil {
		cost += fmt.Sprintf(", %.0f ns each", *c.NSPerEvent)
	}
	if c.ReaderCPUNS != nil {
		cost += fmt.Sprintf(", %s of the reader's CPU time", nanos(float64(*c.ReaderCPUNS)))
	}
	if c.MemoryBytes != nil {
		cost += fmt.Sprintf(", %s of memory", size(float64(*c.MemoryBytes)))
	}
	if c.DiskPerEvent != nil {
		cost += fmt.Sprintf(", %.1f bytes an event on disk", *c.DiskPerEvent)
	}
	if c.AttachNS != nil {
		cost += fmt.Sprintf(", attached in %s", nanos(float64(*c.AttachNS)))
	}
	lines = append(lines, cost+".")
	if t.LostEvents() == 0 {
		lines = append(lines, "No event was lost.")
	}
	for _, l := range t.Losses {
		lines = append(lines, fmt.Sprintf("Lost: %d: %s.", l.Count, Printable(l.Reason)))
	}
	missing := make(map[string][]string) // by reason
	for _, k := range sorted(keys(t.Missing)) {
		missing[t.Missing[k]] = append(missing[t.Missing[k]], k)
	}
	for _, k := range sorted(keys(t.Missing)) {
		if names := missing[t.Missing[k]]; names[0] == k {
			lines = append(lines, fmt.Sprintf("No %s: %s.", strings.Join(names, ", "),
				Printable(t.Missing[k])))
		}
	}
	for _, s := range t.Warnings {
		lines = append(lines, Printable(s))
	}
	for _, line := range lines {
		writeWrapped(b, width, "%s", line)
	}
}
