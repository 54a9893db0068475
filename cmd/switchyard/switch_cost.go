package main

import (
	"encoding/json"

	"switchyard/internal/report"
	rundir "switchyard/internal/run"
	"switchyard/trace/event"
	"switchyard/trace/hist"
	"switchyard/trace/switchcost"
)

// A switchCoster measures what switches cost in the window of a trace. A nil one measures nothing.
type switchCoster struct{ probes *switchcost.Meter }

// openSwitchCost is called before any other probe is attached: what runs between its own is then left out.
func openSwitchCost(wanted bool) (*switchCoster, error) {
	if !wanted {
		return nil, nil
	}
	s, err := switchcost.Open(switchcost.Options{})
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

func (s *switchCoster) stop() (*event.SwitchCosts, error) {
	if s == nil {
		return nil, nil
	}
	return s.probes.Stop()
}

// switchCostReport is what of it a report has.
func switchCostReport(c *event.SwitchCosts) *report.SwitchCost {
	if c == nil {
		return nil
	}
	of := func(kinds ...event.SwitchKind) *hist.Quantiles { return durationsOf(&c.Of(kinds...).Total) }
	return &report.SwitchCost{
		Thread:       of(event.SwitchThread),
		AddressSpace: durationsOf(&c.AddressSpace().Total),
		Flush:        of(event.SwitchAddressSpaceFlush),
		NoFlush:      of(event.SwitchAddressSpaceNoFlush),
		Kept:         of(event.SwitchKept),
		Lazy:         durationsOf(&c.Lazy().Total),
		Idle:         durationsOf(&c.Idle().Total),
		Preemption:   durationsOf(&c.Preemption),
		PreemptionBy: c.PreemptionBy,
		Probe:        float64(c.Probe.Median),
		By:           c.By,
		Missing:      c.Missing,
	}
}

// recordedSwitchCost is that of a run. An older one has nothing but the report's percentiles.
func recordedSwitchCost(o *rundir.Options) *report.SwitchCost {
	if o.SwitchCost != nil || o.Percentiles == nil {
		return switchCostReport(o.SwitchCost)
	}
	c := new(report.SwitchCost)
	if json.Unmarshal(o.Percentiles, c) != nil {
		return nil
	}
	return c
}

func (s *switchCoster) close() {
	if s != nil {
		s.probes.Close()
	}
}
