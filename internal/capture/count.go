package capture

import (
	"switchyard/internal/child"
	"switchyard/internal/proc"
	"switchyard/internal/record"
	"switchyard/internal/report"
	"switchyard/trace"
	"switchyard/trace/event"
)

// Count captures in count depth.
func Count(o Options) (r *Result, err error) {
	child.Locked(func() { r, err = count(&o) })
	return r, err
}

func count(o *Options) (*Result, error) {
	notes := o.findProcesses()
	costs, err := openSwitchCost(o.SwitchCost)
	if err != nil {
		return nil, err
	}
	defer costs.close()
	s, err := trace.Open(trace.Options{Probes: o.Probes})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	r, err := countWindow(o, s, costs)
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	t := r.Trace
	t.Warnings = append(notes, t.Warnings...)
	t.Cost.NSPerEvent, t.Cost.How = perEvent(o, event.PriceCount)
	if t.Cost.NSPerEvent == nil {
		t.Missing["cost of an event"] = t.Cost.How
	}
	return r, nil
}

func countWindow(o *Options, s *trace.Session, costs *switchCoster) (*Result, error) {
	traced, err := o.start()
	if err != nil {
		return nil, err
	}
	defer traced.End(o.Hurried.Done())
	var warnings []string
	if err := o.DropPrivilege(o.privileges()...); err != nil {
		warnings = append(warnings, warning(err))
	}
	if o.All {
		err = s.FollowAll()
	} else {
		err = o.followAll(s, traced)
	}
	if err != nil {
		return nil, err
	}
	w, err := openWindow(o, traced)
	if err != nil {
		return nil, err
	}
	defer w.end()
	if err := s.Start(); err != nil {
		return nil, err
	}
	if err := costs.start(); err != nil {
		return nil, err
	}
	if err := w.wait(nil, ""); err != nil {
		return nil, err
	}
	c, err := s.Stop()
	if err != nil {
		return nil, err
	}
	t := reportOf(c)
	status, loaded, more := w.close()
	if t.Load, err = record.LoadOf(loaded); err != nil {
		return nil, err
	}
	switches, err := costs.stop()
	if err != nil {
		return nil, err
	}
	t.SwitchCost = report.SwitchCostOf(switches)
	if t.SwitchCost == nil {
		t.Missing["cost of a switch"] = "not asked for (--switch-cost)"
	}
	t.Of = o.of()
	t.Host.Host, t.Host.CPUs = proc.Here.Host()
	t.Warnings = append(warnings, more...)
	return &Result{Trace: t, Status: status, Failed: w.load.failed}, nil
}
