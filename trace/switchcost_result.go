package trace

import (
	"fmt"
	"slices"
	"time"

	"switchyard/trace/event"
	"switchyard/trace/hist"
)

// SwitchKind is a kind of switch that has a cost of its own. Every switch is of exactly one.
type SwitchKind int

const (
	// SwitchThread is between threads of one process: the same page table on both sides.
	SwitchThread = SwitchKind(costCostKindCOST_THREAD)

	// SwitchAddressSpace loaded another page table, and nothing told what became of the TLB: see
	// SwitchCosts.Missing["tlb_flush"]. On x86, these are few: the CPU had the right one loaded already.
	SwitchAddressSpace = SwitchKind(costCostKindCOST_ADDRESS_SPACE)
	// SwitchAddressSpaceFlush loaded another page table and flushed the TLB.
	SwitchAddressSpaceFlush = SwitchKind(costCostKindCOST_ADDRESS_SPACE_FLUSH)
	// SwitchAddressSpaceNoFlush loaded another page table whose entries in the TLB were still good (PCID).
	SwitchAddressSpaceNoFlush = SwitchKind(costCostKindCOST_ADDRESS_SPACE_NO_FLUSH)

	// SwitchKept is from a kernel thread, or a process at its end, that had left the task's own page table loaded.
	SwitchKept = SwitchKind(costCostKindCOST_KEPT)

	// SwitchLazy is to a kernel thread: it borrows the page table that is loaded.
	SwitchLazy = SwitchKind(costCostKindCOST_LAZY)
	// SwitchLazyIdle is to the idle task, which does the same.
	SwitchLazyIdle = SwitchKind(costCostKindCOST_LAZY_IDLE)

	// SwitchIdle is from the idle task, to a kernel thread or to a task whose page table was still loaded.
	SwitchIdle = SwitchKind(costCostKindCOST_IDLE)
	// SwitchIdleAddressSpace is from the idle task and loaded another page table.
	SwitchIdleAddressSpace = SwitchKind(costCostKindCOST_IDLE_ADDRESS_SPACE)

	// SwitchKinds is their number.
	SwitchKinds = int(costCostKindCOST_KINDS)
)

// String returns the kind's name.
func (k SwitchKind) String() string {
	names := [SwitchKinds]string{
		"thread", "address_space", "address_space_flush", "address_space_no_flush", "kept", "lazy", "lazy_idle",
		"idle", "idle_address_space",
	}
	if k < 0 || int(k) >= len(names) {
		return fmt.Sprintf("SwitchKind(%d)", int(k))
	}
	return names[k]
}

// SwitchTimes is how long switches took on their CPU, without the probe.
type SwitchTimes struct {
	// Choosing is from the scheduler's entry (sched_entry_tp) to its choice (sched_switch): taking the run queue's lock,
	// putting the old task back or to sleep, looking for work on other CPUs if there is none here, picking the next.
	Choosing hist.Histogram

	// Switching is from there to the scheduler's end, on the stack of the task that came (sched_exit_tp): page table,
	// registers, stack, and what is left to do for the task that went, which is much for one that has ended.
	Switching hist.Histogram

	// Total is the sum of both for each switch.
	Total hist.Histogram
}

// Merge adds the times of o to t.
func (t *SwitchTimes) Merge(o *SwitchTimes) {
	t.Choosing.Merge(&o.Choosing)
	t.Switching.Merge(&o.Switching)
	t.Total.Merge(&o.Total)
}

// SwitchCosts is what the switches of a window cost.
type SwitchCosts struct {
	Window time.Duration
	By     string // the hooks a switch was measured with

	// Kinds are the costs by SwitchKind.
	Kinds [SwitchKinds]SwitchTimes

	// Preemption is from the first request to give up the CPU to the switch, of tasks other than the idle one. With lazy
	// preemption (6.13) the kernel may mean to wait for the next tick.
	Preemption hist.Histogram
	// PreemptionBy says what a request is. Best is sched_set_need_resched_tp, all of them, when they are made. Where a
	// program there is a danger, it is "need_resched seen at a waking (sched_wakeup)": those made by a task that woke, and
	// not, for one, by the tick. It is empty where neither can be known: see Missing["preemption"].
	PreemptionBy string
	// Unserved are requests after which the same task went on: the scheduler chose it again. They are in no histogram.
	Unserved uint64
	// Older are requests that a waking found made already, so that it is not known when. They are in no histogram.
	Older uint64
	// Negative are requests that two CPUs' clocks put after their switch. They are in no histogram.
	Negative uint64

	// Switches were seen to begin. They are those of Kinds, and Unended.
	Switches uint64
	// Unended are switches that were not seen to end: those under way when the window was closed, one on each CPU at most,
	// and those to tasks that the kernel keeps from tracing.
	Unended uint64
	// Unentered are switches whose beginning was not seen, and which have only Switching: one on each CPU at most, under
	// way when the window was opened.
	Unentered uint64

	// Unseen are switches that were seen only to end, by which their kind is not known: those under way when the window was
	// opened. They are not in Switches.
	Unseen uint64

	// Probe is what was subtracted: once from Choosing, once from Switching, and once more where there was a tlb_flush.
	// What was measured is that much longer.
	Probe ProbeTime
	// ClampedChoosing and ClampedSwitching are times that were shorter than the probe and count as 0.
	ClampedChoosing, ClampedSwitching uint64

	// Steal is the time the hypervisor kept from all CPUs in the window. It is included in what it came in the middle of.
	Steal time.Duration

	// Missing has the reason for each of choosing, total, preemption and tlb_flush that is not known.
	Missing map[string]string
	// Losses are events that happened and were not seen.
	Losses []event.Loss
	// Checks has one: switches, all that were seen to begin are in one kind or did not end.
	Checks []event.Check
}

// Of returns the costs of several kinds together.
func (c *SwitchCosts) Of(kinds ...SwitchKind) *SwitchTimes {
	t := new(SwitchTimes)
	for _, k := range kinds {
		t.Merge(&c.Kinds[k])
	}
	return t
}

// AddressSpace returns the costs of switches from a task to another that loaded another page table, with and without a
// flush of the TLB.
func (c *SwitchCosts) AddressSpace() *SwitchTimes {
	return c.Of(SwitchAddressSpace, SwitchAddressSpaceFlush, SwitchAddressSpaceNoFlush)
}

// Lazy returns the costs of switches from a task to a kernel thread or the idle task.
func (c *SwitchCosts) Lazy() *SwitchTimes { return c.Of(SwitchLazy, SwitchLazyIdle) }

// Idle returns the costs of switches away from the idle task.
func (c *SwitchCosts) Idle() *SwitchTimes { return c.Of(SwitchIdle, SwitchIdleAddressSpace) }

// fill adds up what the CPUs have measured.
func (c *SwitchCosts) fill(
	cpus []costCostCpu, requests []costCostRequest, hists *[costCostHistCOST_HISTS][]bpfHist, window uint32, only []int,
) {
	parts := int(costCostPartCOST_PARTS)
	c.Kinds = [SwitchKinds]SwitchTimes{}
	c.Preemption = hist.Histogram{}
	c.Switches, c.Unended, c.Unentered, c.Unseen, c.Unserved, c.Older, c.Negative = 0, 0, 0, 0, 0, 0, 0
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
			mergeHist(&t.Choosing, &hists[kind*parts+int(costCostPartCOST_CHOOSING)][cpu])
			mergeHist(&t.Switching, &hists[kind*parts+int(costCostPartCOST_SWITCHING)][cpu])
			mergeHist(&t.Total, &hists[kind*parts+int(costCostPartCOST_TOTAL)][cpu])
		}
		mergeHist(&c.Preemption, &hists[costCostHistCOST_PREEMPTION][cpu])
	}
	ended := c.Unended
	for kind := range c.Kinds {
		ended += c.Kinds[kind].Switching.Count()
	}
	c.Checks = []event.Check{equal("switches", ended, c.Switches)}
}
