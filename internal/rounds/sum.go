package rounds

import (
	"fmt"
	"slices"

	"switchyard/internal/load"
	"switchyard/internal/proc"
	"switchyard/internal/stats"
	"switchyard/trace/event"
)

// Result is what a comparison measured, its rounds summed up.
type Result struct {
	Manifest *Manifest
	Sums     []*Sum // of Manifest.Models
}

// NewResult begins a result of no round.
func NewResult(m *Manifest) *Result {
	r := &Result{Manifest: m}
	for _, model := range m.Models {
		r.Sums = append(r.Sums, &Sum{Model: model})
	}
	return r
}

// Add adds a round to the sum of its model.
func (r *Result) Add(round *Round) error {
	for _, s := range r.Sums {
		if s.Model.Name == round.Model {
			return s.Add(round)
		}
	}
	return fmt.Errorf("a round of %.40q, which is not among the models", round.Model)
}

// Sum is all rounds of one model together.
type Sum struct {
	Model    Model
	Failures []string // why rounds failed
	Notes    []string // of the rounds, each once
	Workers  int
	Memory   *Memory // nil: it was not measured

	// Of all rounds.
	Errors, Unfinished, Paused, Refused uint64
	ErrorKinds                          map[string]int64
	LoadWarnings                        []string // the load generator's, with the name of the round
	Starved                             Starved
	// Throttled is nil if it is not known of one round, and why.
	Throttled    *event.Throttling
	ThrottledWhy string
	// Checks are those of all rounds: one passes if it passes in each.
	Checks []event.Check

	// Of the rounds that measure rates.
	Rates        []float64 // requests per second
	RateRequests uint64
	Latency      *stats.Latencies
	CPU          proc.CPU
	// Busy and Delayed are shares of the load generator's CPU: used, and waited for.
	Busy, Delayed []float64

	// Of the rounds that count.
	CountRounds   int
	CountRequests uint64
	Counts        Counts

	watched int // rounds in which throttling was looked at
}

// Starved is how many rounds had clients without one good response, and how many those were at
// most.
type Starved struct{ Rounds, Most, Of int }

// Add adds a round.
func (s *Sum) Add(r *Round) error {
	if r.Failed != "" {
		s.begin(r)
		s.Failures = append(s.Failures, r.Failed)
		s.note(fmt.Sprintf("%s failed: %s", r.Name(), r.Failed))
		return nil
	}
	if r.Load == nil || r.Rates() && r.CPU == nil || !r.Rates() && r.Counts == nil {
		return fmt.Errorf("%s of %.40q has no result and does not say why", r.Name(), r.Model)
	}
	var latency *stats.Latencies
	if r.Rates() { // before anything is added
		var err error
		if latency, err = r.Load.Histograms.Latencies(); err != nil {
			return fmt.Errorf("%s of %.40q: %w", r.Name(), r.Model, err)
		}
	}
	s.begin(r)
	s.Workers = r.Workers
	s.Paused += r.Paused
	s.Refused += r.Refused
	s.addLoad(r.Name(), r.Load)
	s.addThrottling(r)
	for i := range r.Checks {
		s.addCheck(r.Checks[i])
	}
	if r.Rates() {
		s.addRates(r, latency)
		return nil
	}
	s.CountRounds++
	s.CountRequests += r.served()
	s.Counts.add(r.Counts)
	for column, why := range r.Counts.Missing {
		if s.Counts.Missing == nil {
			s.Counts.Missing = map[string]string{}
		}
		s.Counts.Missing[column] = why
	}
	return nil
}

// begin adds what failed rounds have, too.
func (s *Sum) begin(r *Round) {
	if r.Memory != nil && s.Memory == nil {
		s.Memory = r.Memory
	}
	for _, note := range r.Notes {
		s.note(note)
	}
}

func (s *Sum) note(note string) {
	if !slices.Contains(s.Notes, note) {
		s.Notes = append(s.Notes, note)
	}
}

// addLoad adds what the clients of every round tell.
func (s *Sum) addLoad(name string, l *load.Result) {
	s.Errors += l.Errors
	s.Unfinished += l.Unfinished.Requests + l.Unfinished.FromWarmup
	if s.ErrorKinds == nil {
		s.ErrorKinds = map[string]int64{}
	}
	for _, e := range l.ErrorsByKind {
		s.ErrorKinds[string(e.Kind)] += int64(e.Count)
	}
	if l.StarvedClients > 0 {
		s.Starved.Rounds++
		s.Starved.Most = max(s.Starved.Most, l.StarvedClients)
		s.Starved.Of = l.Options.Clients
	}
	for _, w := range l.Warnings {
		s.LoadWarnings = append(s.LoadWarnings, fmt.Sprintf("%s: %s", name, w))
	}
}

// addThrottling adds how often limits on CPU bandwidth stopped the server. The sum is not known
// if a round's is not.
func (s *Sum) addThrottling(r *Round) {
	s.watched++
	t := r.Throttled
	switch {
	case t == nil:
		s.Throttled, s.ThrottledWhy = nil, r.ThrottledWhy
	case s.watched == 1:
		first := *t
		first.Cgroups = slices.Clone(t.Cgroups)
		s.Throttled = &first
	case s.Throttled != nil:
		sum := s.Throttled
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

// addCheck adds a round's check to the sum.
func (s *Sum) addCheck(k event.Check) {
	i := slices.IndexFunc(s.Checks, func(have event.Check) bool { return have.Name == k.Name })
	if i < 0 {
		s.Checks = append(s.Checks, k)
		return
	}
	sum := &s.Checks[i]
	sum.Traced += k.Traced
	sum.Kernel += k.Kernel
	// A failure is not covered up by a round in which the check could not be made.
	if k.Status == event.Fail || k.Status == event.Unavailable && sum.Status == event.Pass {
		sum.Status, sum.Reason = k.Status, k.Reason
	}
}

// addRates adds what only a round without probes tells.
func (s *Sum) addRates(r *Round, latency *stats.Latencies) {
	l := r.Load
	if s.Latency == nil {
		s.Latency = latency
	} else {
		s.Latency.Merge(latency)
	}
	s.Rates = append(s.Rates, l.RequestsPerSecond)
	s.RateRequests += r.served()
	s.Busy = append(s.Busy, l.Generator.CPUShare)
	if l.Window.Seconds > 0 && l.Generator.RunQueueUS >= 0 {
		s.Delayed = append(s.Delayed, l.Generator.RunQueueUS/1e6/l.Window.Seconds)
	}
	s.CPU = s.CPU.Add(*r.CPU)
}
