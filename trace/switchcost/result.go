package switchcost

import (
	"slices"

	"switchyard/trace/event"
	"switchyard/trace/hist"
)

// fillSwitchCosts adds up what the CPUs have measured.
func fillSwitchCosts(c *event.SwitchCosts,
	cpus []costCostCpu, requests []costCostRequest, hists *[costCostHistCOST_HISTS][]costHist,
	window uint32, only []int,
) {
	parts := int(costCostPartCOST_PARTS)
	c.Kinds = event.SwitchTimesByKind{}
	c.Preemption = hist.Histogram{}
	c.Switches, c.Unended, c.Unentered, c.Unseen, c.Unserved, c.Older, c.Negative = 0, 0, 0, 0,
		0, 0, 0
	c.ClampedChoosing, c.ClampedSwitching = 0, 0
	for cpu := range cpus {
		if len(only) > 0 && !slices.Contains(only, cpu) {
			continue
		}
		k := &cpus[cpu]
		c.Switches += k.Switches
		c.Unended += k.Unended
		if k.Open == window {
			c.Unended++
		}
		c.Unentered += k.Unentered
		c.Unseen += k.Unseen
		c.Unserved += requests[cpu].Unserved
		c.Older += requests[cpu].Older
		c.Negative += k.Negative
		c.ClampedChoosing += k.Clamped[costCostPartCOST_CHOOSING]
		c.ClampedSwitching += k.Clamped[costCostPartCOST_SWITCHING]
		for kind := range c.Kinds {
			t := &c.Kinds[kind]
			merge(&t.Choosing, &hists[kind*parts+int(costCostPartCOST_CHOOSING)][cpu])
			merge(&t.Switching, &hists[kind*parts+int(costCostPartCOST_SWITCHING)][cpu])
			merge(&t.Total, &hists[kind*parts+int(costCostPartCOST_TOTAL)][cpu])
		}
		merge(&c.Preemption, &hists[costCostHistCOST_PREEMPTION][cpu])
	}
	ended := c.Unended
	for kind := range c.Kinds {
		ended += c.Kinds[kind].Switching.Count()
	}
	c.Checks = []event.Check{event.Equal("switches", ended, c.Switches)}
}

// merge adds what one CPU collected.
func merge(h *hist.Histogram, k *costHist) { h.AddBuckets(&k.Buckets, k.Sum, k.Max) }
