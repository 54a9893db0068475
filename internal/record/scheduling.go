package record

import (
	"time"

	"switchyard/internal/run"
	"switchyard/internal/sched"
	"switchyard/trace/event"
)

// Scheduling is the Sink that finds out what the scheduler did to whom, and whether that adds up.
type Scheduling struct {
	// Interval, if it is not nil, is told of every interval that is known: see sched.Options.
	Interval func(*sched.Interval)

	run      *run.Reader
	analysis *sched.Analysis
	result   *sched.Result
}

// Begin implements Sink.
func (s *Scheduling) Begin(r *run.Reader) error {
	m := r.Manifest()
	o := &m.Options
	s.run = r
	s.analysis = sched.NewAnalysis(m.Window, sched.Options{
		All: o.All, Nested: o.Nested, CPUs: o.Online, Steal: time.Duration(o.Steal), Interrupts: time.Duration(o.Interrupts), Ctxt: o.Ctxt,
		Interval: s.Interval,
	})
	opened, _ := r.Snapshots()
	for i := range opened {
		s.analysis.Start(&opened[i])
	}
	for _, l := range r.Lost() {
		s.analysis.Lost(l)
	}
	return nil
}

// Event implements Sink.
func (s *Scheduling) Event(e *event.Event) error {
	s.analysis.Event(e)
	return nil
}

// End implements Sink.
func (s *Scheduling) End() error {
	_, closed := s.run.Snapshots()
	for i := range closed {
		s.analysis.End(&closed[i])
	}
	s.analysis.Tasks(s.run.Tasks())
	s.result = s.analysis.Result()
	return nil
}

// Result returns what was found, after a Replay.
func (s *Scheduling) Result() *sched.Result { return s.result }
