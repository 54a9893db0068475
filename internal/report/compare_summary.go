package report

import (
	"fmt"
	"strings"

	"switchyard/internal/rounds"
	"switchyard/internal/words"
	"switchyard/trace/event"
)

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
