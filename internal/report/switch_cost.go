package report

import (
	"encoding/json"

	"switchyard/internal/run"
	"switchyard/trace/event"
	"switchyard/trace/hist"
)

// SwitchCostOf is what a report has of what switches cost; nil of nil, which is not measured.
func SwitchCostOf(c *event.SwitchCosts) *SwitchCost {
	if c == nil {
		return nil
	}
	of := func(kinds ...event.SwitchKind) *hist.Quantiles {
		return DurationsOf(&c.Of(kinds...).Total)
	}
	return &SwitchCost{
		Thread:       of(event.SwitchThread),
		AddressSpace: DurationsOf(&c.AddressSpace().Total),
		Flush:        of(event.SwitchAddressSpaceFlush),
		NoFlush:      of(event.SwitchAddressSpaceNoFlush),
		Kept:         of(event.SwitchKept),
		Lazy:         DurationsOf(&c.Lazy().Total),
		Idle:         DurationsOf(&c.Idle().Total),
		Preemption:   DurationsOf(&c.Preemption),
		PreemptionBy: c.PreemptionBy,
		Probe:        float64(c.Probe.Median),
		By:           c.By,
		Missing:      c.Missing,
	}
}

// recordedSwitchCost is that of a run. An older one has nothing but the report's percentiles.
func recordedSwitchCost(o *run.Options) *SwitchCost {
	if o.SwitchCost != nil || o.Percentiles == nil {
		return SwitchCostOf(o.SwitchCost)
	}
	c := new(SwitchCost)
	if json.Unmarshal(o.Percentiles, c) != nil {
		return nil
	}
	return c
}
