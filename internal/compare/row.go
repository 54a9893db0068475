package compare

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"switchyard"
	"switchyard/internal/load"
	"switchyard/internal/proc"
	"switchyard/internal/report"
	interval "switchyard/internal/stats"
	"switchyard/trace"
	"switchyard/trace/event"
	"switchyard/trace/hist"
)

// A row gathers the rounds of one model.
type row struct {
	model    switchyard.Model
	reason   string // why it has no rounds
	broken   bool   // it failed too often to be tried again
	failures int
	failure  string // the last one
	weighed  bool   // its memory was measured, or cannot be
	notes    []string
	warnings []string                       // the load generator's, of each round
	starved  struct{ rounds, most, of int } // rounds in which clients had no good response, and how many at most
	workers  int
	missing  map[string]string

	errors, unfinished, paused, refused uint64 // of all rounds
	kinds                               map[string]int64
	pss                                 *float64
	pssConns                            int
	throttled                           *event.Throttling // of all rounds, nil if it is not known of one
	watched                             int               // rounds it was looked at

	// Of the rounds without probes.
	rates         []float64
	rateRequests  uint64
	latency       *interval.Latencies
	cpu           proc.CPU
	busy, delayed []float64 // shares of the load generator's CPU: used, waited for

	// Of the rounds with them.
	countRounds   int
	countRequests uint64
	count         trace.Totals
	runQueue      hist.Histogram
	wakeup        hist.Histogram
	onCPU         hist.Histogram
	blocked       hist.Histogram
	syscalls      map[string]uint64
	tlbFlushes    uint64
	tlbLoads      uint64 // with and without a flush
	lost          uint64
	checks        []report.Check
}

func (r *row) note(s string) {
	if !slices.Contains(r.notes, s) {
		r.notes = append(r.notes, s)
	}
}

func (r *row) miss(column string, err error) {
	if r.missing == nil {
		r.missing = map[string]string{}
	}
	r.missing[column] = report.OneLine(err.Error())
}

// add adds what every round knows. name is the round's.
func (r *row) add(name string, l *load.Result, s Stats) {
	r.errors += l.Errors
	r.unfinished += l.Unfinished.Requests + l.Unfinished.FromWarmup
	if r.kinds == nil {
		r.kinds = map[string]int64{}
	}
	for _, e := range l.ErrorsByKind {
		r.kinds[string(e.Kind)] += int64(e.Count)
	}
	if l.StarvedClients > 0 {
		r.starved.rounds++
		r.starved.most, r.starved.of = max(r.starved.most, l.StarvedClients), l.Options.Clients
	}
	for _, w := range l.Warnings {
		r.warnings = append(r.warnings, fmt.Sprintf("%s: %s", name, w))
	}
	r.paused += s.Counters.Paused
	r.refused += s.Counters.Refused
}

// addThrottling adds how often limits on CPU bandwidth stopped the server in a
// round. The sum is not known if a round's is not.
func (r *row) addThrottling(t *event.Throttling, err error) {
	r.watched++
	switch {
	case err != nil:
		r.throttled = nil
		r.miss("throttled", err)
	case r.watched == 1:
		r.throttled = t
	case r.throttled != nil:
		sum := r.throttled
		sum.Times += t.Times
		sum.Time += t.Time
		sum.Read = max(sum.Read, t.Read)
		for _, name := range t.Cgroups {
			if !slices.Contains(sum.Cgroups, name) {
				sum.Cgroups = append(sum.Cgroups, name)
			}
		}
	}
}

// served is how many requests the server answered between the two readings:
// those that the warm-up had left outstanding too.
func served(l *load.Result) uint64 { return l.Answered() + l.CarriedOver.Answered }

// addRates adds a round without probes.
func (r *row) addRates(l *load.Result, cpu proc.CPU) {
	r.rates = append(r.rates, l.RequestsPerSecond)
	r.rateRequests += served(l)
	if h, err := l.Histograms.Latencies(); err != nil {
		r.miss("latency_us", err)
	} else if r.latency == nil {
		r.latency = h
	} else {
		r.latency.Merge(h)
	}
	r.busy = append(r.busy, l.Generator.CPUShare)
	if l.Window.Seconds > 0 && l.Generator.RunQueueUS >= 0 {
		r.delayed = append(r.delayed, l.Generator.RunQueueUS/1e6/l.Window.Seconds)
	}
	r.cpu = r.cpu.Add(cpu)
}

// addCounts adds a round with them.
func (r *row) addCounts(l *load.Result, c *trace.Counts) {
	r.countRounds++
	r.countRequests += served(l)
	sum, t := &r.count, &c.Total
	sum.Totals.Add(&t.Totals)
	sum.PageFaults += t.PageFaults
	sum.CPU += t.CPU
	r.runQueue.Merge(&c.RunQueueLatency)
	r.wakeup.Merge(&c.WakeupLatency)
	r.onCPU.Merge(&c.OnCPUSpan)
	r.blocked.Merge(&c.BlockedTime)
	if r.syscalls == nil {
		r.syscalls = map[string]uint64{}
	}
	for name, n := range c.Syscalls {
		r.syscalls[name] += n
	}
	r.tlbFlushes += c.TLBFlushes
	r.tlbLoads += c.TLBFlushes + c.TLBKept
	r.lost += c.LostEvents()
	for column, why := range c.Missing {
		switch column {
		case "fault_exceptions", "new_task_latencies": // not asked for
		case "throttled": // looked at in all rounds
		default:
			r.miss(column, errors.New(why))
		}
	}
	for _, k := range c.Checks {
		r.addCheck(report.Check{
			Name: k.Name, Traced: int64(k.Traced), Kernel: int64(k.Kernel),
			Available: k.Status != event.Unavailable, OK: k.OK(), Reason: k.Reason,
		})
	}
}

// addCheck adds a round's check to the sum: that holds if it holds in each round.
func (r *row) addCheck(k report.Check) {
	i := slices.IndexFunc(r.checks, func(have report.Check) bool { return have.Name == k.Name })
	if i < 0 {
		i = len(r.checks)
		r.checks = append(r.checks, report.Check{Name: k.Name, OK: true, Available: true})
	}
	sum := &r.checks[i]
	sum.Traced += k.Traced
	sum.Kernel += k.Kernel
	switch {
	case !k.Available:
		sum.Available, sum.OK, sum.Reason = false, false, k.Reason
	case !k.OK:
		sum.OK, sum.Reason = false, k.Reason
	}
}

// report sums the rounds up. traceReason says why there was no tracing.
func (r *row) report(traceReason string) report.ModelRow {
	if r.reason == "" && len(r.rates) == 0 {
		r.reason = r.failure
	}
	row := report.ModelRow{
		Model: r.model.Name, Workers: r.workers, LoadWarnings: r.warnings, Available: r.reason == "", Reason: r.reason,
		Rounds: len(r.rates), CountRounds: r.countRounds, Requests: r.countRequests, RateRequests: r.rateRequests, Errors: r.errors, ErrorKinds: r.kinds, Unfinished: r.unfinished,
		Rate: interval.Median(r.rates), RoundsPerSecond: r.rates,
		Traced: r.countRounds > 0, PSSPerConn: r.pss, PSSConnections: r.pssConns,
		LostEvents: r.lost, Checks: r.checks, Notes: r.notes, Missing: r.missing, Throttled: r.throttled,
	}
	if row.Rate.N > 0 {
		row.RequestsPerSecond = &row.Rate.Median
	}
	if r.countRounds == 0 {
		row.Requests = r.rateRequests
	}
	if row.Checks == nil {
		row.Checks = []report.Check{}
	}
	if r.model.Program != nil && row.Available {
		row.Program = r.model.Program()
		row.Notes = append(row.Notes, fmt.Sprintf("the program started for each connection is %s.", row.Program))
	}
	if s := r.starved; s.rounds > 0 {
		row.Notes = append(row.Notes, fmt.Sprintf("in %s up to %d of %d clients had no good response: the latencies speak of the others.", report.Plural(s.rounds, "round"), s.most, s.of))
	}
	if r.paused > 0 {
		row.Notes = append(row.Notes, fmt.Sprintf("accepting paused %d times at a limit on connections, tasks or descriptors.", r.paused))
	}
	if r.refused > 0 {
		row.Notes = append(row.Notes, fmt.Sprintf("%d connections were refused: their descriptors were beyond FD_SETSIZE.", r.refused))
	}
	if r.latency != nil && r.latency.Count()+r.latency.Unanswered() > 0 {
		q := r.latency.Quantiles()
		row.Latency = &q
	}
	if r.rateRequests > 0 {
		if user, system, ok := r.cpu.Split(); ok {
			n := float64(r.rateRequests)
			row.CPU = &report.CPUPerRequest{User: micro(user) / n, System: micro(system) / n}
		} else {
			r.miss("cpu_us_per_request", fmt.Errorf("no timer tick fell into the server's time, so it cannot be divided: take a longer --duration"))
			row.Missing = r.missing
		}
	}
	if r.countRounds == 0 {
		row.TraceReason = traceReason
		if traceReason == "" {
			row.TraceReason = "no round was completed"
			if r.failure != "" {
				row.TraceReason += ": " + r.failure
			}
		}
		return row
	}
	c := r.count
	row.Switches = &report.Switches{Total: c.Switches.Total(), Voluntary: c.Switches.Voluntary, Involuntary: c.Switches.Involuntary,
		AddressSpace: c.Switches.AddressSpace, Thread: c.Switches.Thread, Lazy: c.Switches.Lazy}
	row.RunQueue, row.WakeupLatency = quantiles(&r.runQueue), quantiles(&r.wakeup)
	row.OnCPUSpan, row.Blocked = quantiles(&r.onCPU), quantiles(&r.blocked)
	row.Wakeups, row.Migrations = &c.Wakeups, &c.Migrations.Total
	row.Forks, row.Execs, row.Exits, row.ThreadsCreated = &c.Forks, &c.Execs, &c.Exits, &c.Threads
	row.PageFaults = &c.PageFaults
	if _, missing := r.missing["tlb_flushes"]; !missing {
		row.TLBFlushes = &r.tlbFlushes
	}
	if _, missing := r.missing["syscalls"]; !missing {
		row.Syscalls = r.syscalls
	}
	if r.countRequests > 0 {
		row.Switches.PerRequest = float64(row.Switches.Total) / float64(r.countRequests)
		if row.Syscalls != nil {
			n := uint64(0)
			for _, calls := range row.Syscalls {
				n += calls
			}
			perRequest := float64(n) / float64(r.countRequests)
			row.PerRequest = &perRequest
		}
	}
	return row
}

// probeShare is the probes' part of the server's CPU time in the rounds with them, nil if that is not known.
func (r *row) probeShare(costs []report.ProbeCost) *float64 {
	if r.countRounds == 0 || r.count.CPU == 0 || len(costs) == 0 {
		return nil
	}
	var calls uint64
	for _, n := range r.syscalls {
		calls += n
	}
	var ns float64
	for _, c := range costs {
		switch c.Name {
		case trace.CostCount:
			ns += c.Added.Median * float64(r.count.Switches.Total())
		case trace.CostTLB:
			ns += c.Added.Median * float64(r.tlbLoads)
		case trace.CostSyscall:
			ns += c.Added.Median * float64(calls)
		}
	}
	share := max(0, ns/float64(r.count.CPU))
	return &share
}

// quantiles sums a distribution up, in µs.
func quantiles(h *hist.Histogram) *hist.Quantiles {
	q := h.Quantiles().In(time.Microsecond)
	return &q
}

func micro(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
