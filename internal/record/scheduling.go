package record

import (
	"time"

	"switchyard/internal/proc"
	"switchyard/internal/run"
	"switchyard/internal/sched"
	"switchyard/trace/event"
)

// Scheduling is the Sink that finds out what the scheduler did to whom, and whether that adds up.
type Scheduling struct {
	// Interval, if it is not nil, is told of every interval that is known: see sched.Options.
	Interval func(*sched.Interval)

	run      *run.Reader
	online   []int // CPUs that were so when the window opened; none: not known
	analysis *sched.Analysis
	result   *sched.Result
}

// Begin implements Sink.
func (s *Scheduling) Begin(r *run.Reader) error {
	m := r.Manifest()
	o := &m.Options
	s.run = r
	online, err := proc.ParseCPUList(o.CPUs)
	if o.CPUs == "" {
		online, err = nil, nil
	}
	if err != nil {
		return r.Damaged("manifest.json", err)
	}
	s.online = online
	s.analysis = sched.NewAnalysis(m.Window, sched.Options{
		All: o.All, Nested: o.Nested, CPUs: o.Online, Online: online,
		Steal: known(o.Steal), Interrupts: known(o.Interrupts), Ctxt: o.Ctxt,
		Interval: s.Interval,
	})
	s.analysis.Tasks(r.Tasks())
	opened, closed := r.Snapshots()
	for i := range opened {
		s.analysis.Start(&opened[i])
	}
	for i := range closed {
		s.analysis.End(&closed[i])
	}
	last := r.Last()
	for i := range last {
		s.analysis.Last(&last[i])
	}
	for _, l := range r.Lost() {
		s.analysis.Lost(l)
	}
	return nil
}

// known is a time that checks allow for: none, if it is not known.
func known(ns *int64) time.Duration {
	if ns == nil {
		return 0
	}
	return time.Duration(*ns)
}

// Event implements Sink.
func (s *Scheduling) Event(e *event.Event) error {
	s.analysis.Event(e)
	return nil
}

// End implements Sink.
func (s *Scheduling) End() error {
	s.result = s.analysis.Result()
	if s.run.Manifest().Options.Steal == nil {
		withoutSteal(s.result.Checks)
	}
	return nil
}

// withoutSteal takes back the failure of checks that allow for the time the hypervisor kept from
// the CPUs, and for interrupts: of a recording that was cut off neither is known.
func withoutSteal(checks []event.Check) {
	for i := range checks {
		c := &checks[i]
		timed := c.Name == "sum_exec_runtime" || c.Name == "run_delay"
		if timed && c.Status == event.Fail {
			c.Status = event.Unavailable
			c.Reason = "what the hypervisor kept from the CPUs is not known, for the recording was cut off; " +
				c.Reason
		}
	}
}

// Result returns what was found, after a Replay.
func (s *Scheduling) Result() *sched.Result { return s.result }
