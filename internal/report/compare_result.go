package report

import (
	"fmt"
	"strings"
	"time"

	"switchyard/internal/rounds"
	"switchyard/internal/stats"
	"switchyard/internal/words"
	"switchyard/trace/event"
	"switchyard/trace/hist"
)

// OfRounds is the table of what a comparison measured: a row for each model.
func OfRounds(r *rounds.Result) *Compare {
	m := r.Manifest
	c := &Compare{
		Schema:      CompareSchema,
		Host:        Host{Host: m.Host},
		Options:     m.Options,
		ProbeCost:   OfPrices(m.Prices),
		Columns:     m.Columns,
		Interrupted: m.Interrupted,
	}
	c.Host.CPUs = m.Online
	if all := m.Machine.Busy + m.Machine.Idle + m.Machine.Steal; all > 0 {
		steal := float64(m.Machine.Steal) / float64(all)
		other := max(0, float64(m.Machine.Busy-m.Machine.Ours)/float64(all))
		c.Host.StealShare, c.Host.OtherShare = &steal, &other
	}
	for _, s := range r.Sums {
		row := rowOf(s, m.NoCounts)
		row.ProbeShare = probeShare(s, c.ProbeCost)
		c.Models = append(c.Models, row)
	}
	c.Warnings = append(c.Warnings, m.Warnings...)
	if m.Options.SharedCPUs {
		c.Warnings = append(c.Warnings, "server and load share CPUs: each delays the other, and the "+
			"numbers are of both.")
	}
	if s := c.Host.StealShare; s != nil && *s > 0.02 {
		c.Warnings = append(c.Warnings, "the hypervisor took time away, which looks like time on "+
			"the CPU.")
	}
	c.Warnings = append(c.Warnings, generatorWarnings(r.Sums)...)
	return c
}

// rowOf is one model's row. noCounts says why no round of any model counts.
func rowOf(s *rounds.Sum, noCounts string) ModelRow {
	failure := ""
	if n := len(s.Failures); n > 0 {
		failure = s.Failures[n-1]
	}
	reason := s.Model.Reason
	if reason == "" && len(s.Rates) == 0 {
		reason = failure
	}
	row := ModelRow{
		Model: s.Model.Name, Workers: s.Workers, LoadWarnings: s.LoadWarnings,
		Available: reason == "", Reason: reason,
		Rounds: len(s.Rates), CountRounds: s.CountRounds,
		Requests: s.CountRequests, RateRequests: s.RateRequests,
		Errors: s.Errors, ErrorKinds: s.ErrorKinds, Unfinished: s.Unfinished,
		Rate: stats.Median(s.Rates), RoundsPerSecond: s.Rates,
		Traced: s.CountRounds > 0, LostEvents: s.Counts.Lost, Checks: append(Checks{}, s.Checks...),
		Throttled: s.Throttled,
	}
	if row.Rate.N > 0 {
		row.RequestsPerSecond = &row.Rate.Median
		if !row.Rate.Interval() {
			row.miss("requests_per_second_estimate", fmt.Sprintf("%s: an interval, without which "+
				"models are not told apart, takes %d (--rounds)", words.Count(row.Rate.N, "round"),
				stats.Enough))
		}
	}
	if s.CountRounds == 0 {
		row.Requests = s.RateRequests
	}
	if s.Model.Program != "" && row.Available {
		row.Program = s.Model.Program
	}
	row.Notes = notesOf(s, &row)
	for column, why := range s.Counts.Missing {
		row.miss(column, why)
	}
	if s.ThrottledWhy != "" && s.Throttled == nil {
		row.miss("throttled", s.ThrottledWhy)
	}
	switch m := s.Memory; {
	case m == nil:
	case m.Why != "":
		row.miss("pss_bytes_per_connection", m.Why)
	default:
		row.PSSPerConn, row.PSSConnections = &m.PerConnection, m.Connections
	}
	if s.Latency != nil && s.Latency.Count()+s.Latency.Unanswered() > 0 {
		q := s.Latency.Quantiles()
		row.Latency = &q
	}
	if s.RateRequests > 0 {
		if user, system, ok := s.CPU.Split(); ok {
			n := float64(s.RateRequests)
			row.CPU = &CPUPerRequest{User: micro(user) / n, System: micro(system) / n}
		} else {
			row.miss("cpu_us_per_request", "no timer tick fell into the server's time, so it "+
				"cannot be divided: take a longer --duration")
		}
	}
	if s.CountRounds == 0 {
		row.TraceReason = noCounts
		if noCounts == "" {
			row.TraceReason = "no round was completed"
			if failure != "" {
				row.TraceReason += ": " + failure
			}
		}
		return row
	}
	row.addCounts(s)
	return row
}

// miss says why a column is empty.
func (r *ModelRow) miss(column, why string) {
	if r.Missing == nil {
		r.Missing = map[string]string{}
	}
	r.Missing[column] = OneLine(why)
}

// addCounts fills in the columns that come from the tracer.
func (r *ModelRow) addCounts(s *rounds.Sum) {
	c := &s.Counts
	r.Switches = &Switches{Switches: c.Switches}
	r.RunQueue = quantilesMicro(&c.RunQueueLatency)
	r.WakeupLatency = quantilesMicro(&c.WakeupLatency)
	r.OnCPUSpan, r.Blocked = quantilesMicro(&c.OnCPUSpan), quantilesMicro(&c.BlockedTime)
	r.Wakeups, r.Migrations = &c.Wakeups, &c.Migrations.Total
	r.Forks, r.Execs, r.Exits, r.ThreadsCreated = &c.Forks, &c.Execs, &c.Exits, &c.Threads
	r.PageFaults = &c.PageFaults
	for _, v := range c.Values { // what one round did not count the sum does not have
		if _, missing := r.Missing[v.Name]; !missing {
			r.Values = append(r.Values, v)
		}
	}
	if s.CountRequests == 0 {
		return
	}
	requests := float64(s.CountRequests)
	r.Switches.PerRequest = float64(r.Switches.Total()) / requests
}

// notesOf are the sentences below the table about one model.
func notesOf(s *rounds.Sum, row *ModelRow) []string {
	var notes []string
	for _, note := range s.Notes {
		// What there is no row for is said once.
		if row.Reason == "" || !strings.HasSuffix(note, row.Reason) {
			notes = append(notes, strings.TrimSuffix(note, ".")+".")
		}
	}
	add := func(format string, a ...any) { notes = append(notes, fmt.Sprintf(format, a...)) }
	if row.Program != "" {
		add("the program started for each connection is %s.", row.Program)
	}
	if st := s.Starved; st.Rounds > 0 {
		add("in %s up to %d of %s had no good response: the latencies speak of the others.",
			words.Count(st.Rounds, "round"), st.Most, words.Count(st.Of, "client"))
	}
	if s.Paused > 0 {
		add("accepting paused %s at a limit on connections, tasks or descriptors.",
			words.Count(s.Paused, "time"))
	}
	if s.Refused > 0 {
		add("%s refused, of descriptors beyond FD_SETSIZE.", words.Count(s.Refused, "connection"))
	}
	return notes
}

// probeShare is the probes' part of the server's CPU time in the rounds with them, nil if that is
// not known.
func probeShare(s *rounds.Sum, costs []ProbeCost) *float64 {
	c := &s.Counts
	if s.CountRounds == 0 || c.CPU == 0 || len(costs) == 0 {
		return nil
	}
	events := map[string]uint64{
		event.PriceCount:   c.Switches.Total(),
		event.PriceTLB:     c.Values.Count("tlb_flushes") + c.Values.Count("tlb_kept"),
		event.PriceSyscall: c.Values.Count("syscalls"),
	}
	var ns float64
	for _, p := range costs {
		ns += max(0, p.Added.Median) * float64(events[p.Name])
	}
	share := ns / float64(c.CPU)
	return &share
}

// generatorWarnings says against which models the load generator, rather than the server, may be
// what was measured.
func generatorWarnings(sums []*rounds.Sum) []string {
	var busy, delayed []string
	for _, s := range sums {
		if stats.Median(s.Busy).Median > 0.9 {
			busy = append(busy, s.Model.Name)
		}
		if stats.Median(s.Delayed).Median > 0.1 {
			delayed = append(delayed, s.Model.Name)
		}
	}
	var list []string
	if len(busy) > 0 {
		list = append(list, "the load generator was busy for over 90 % of its CPU, so that it may "+
			"be the limit, against "+strings.Join(busy, ", ")+".")
	}
	if len(delayed) > 0 {
		list = append(list, "the load generator waited for its CPU for over 10 % of the time (other "+
			"tasks ran there) against "+strings.Join(delayed, ", ")+".")
	}
	return list
}

// quantilesMicro sums a distribution up, in µs.
func quantilesMicro(h *hist.Histogram) *hist.Quantiles {
	q := h.Quantiles().In(time.Microsecond)
	return &q
}

func micro(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
