package main

import (
	"switchyard/internal/report"
	"switchyard/trace"
	"switchyard/trace/hist"
)

// A switchCoster measures what switches cost in the window of a trace. A nil one measures nothing.
type switchCoster struct{ probes *trace.SwitchCost }

// openSwitchCost is called before any other probe is attached: what runs between its own is then left out.
func openSwitchCost(wanted bool) (*switchCoster, error) {
	if !wanted {
		return nil, nil
	}
	s, err := trace.OpenSwitchCost(trace.SwitchCostOptions{})
	if err != nil {
		return nil, err
	}
	return &switchCoster{s}, nil
}

// start is called when they are.
func (s *switchCoster) start() error {
	if s == nil {
		return nil
	}
	return s.probes.Start()
}

func (s *switchCoster) stop() (*report.SwitchCost, error) {
	if s == nil {
		return nil, nil
	}
	c, err := s.probes.Stop()
	if err != nil {
		return nil, err
	}
	of := func(kinds ...trace.SwitchKind) *hist.Quantiles { return durationsOf(&c.Of(kinds...).Total) }
	return &report.SwitchCost{
		Thread:       of(trace.SwitchThread),
		AddressSpace: durationsOf(&c.AddressSpace().Total),
		Flush:        of(trace.SwitchAddressSpaceFlush),
		NoFlush:      of(trace.SwitchAddressSpaceNoFlush),
		Kept:         of(trace.SwitchKept),
		Lazy:         durationsOf(&c.Lazy().Total),
		Idle:         durationsOf(&c.Idle().Total),
		Preemption:   durationsOf(&c.Preemption),
		PreemptionBy: c.PreemptionBy,
		Probe:        float64(c.Probe.Median),
		By:           c.By,
		Missing:      c.Missing,
	}, nil
}

func (s *switchCoster) close() {
	if s != nil {
		s.probes.Close()
	}
}
