package event

import (
	"encoding/json"
	"fmt"
	"time"

	"switchyard/trace/hist"
)

// SwitchKind is a kind of switch that has a cost of its own. Every switch is of exactly one.
type SwitchKind int

const (
	// SwitchThread is between threads of one process: the same page table on both sides.
	SwitchThread SwitchKind = 0

	// SwitchAddressSpace loaded another page table, and nothing told what became of the TLB: see
	// SwitchCosts.Missing["tlb_flush"]. On x86, these are few: the CPU had the right one loaded
	// already.
	SwitchAddressSpace SwitchKind = 1
	// SwitchAddressSpaceFlush loaded another page table and flushed the TLB.
	SwitchAddressSpaceFlush SwitchKind = 2
	// SwitchAddressSpaceNoFlush loaded another page table whose entries in the TLB were still good
	// (PCID).
	SwitchAddressSpaceNoFlush SwitchKind = 3

	// SwitchKept is from a kernel thread, or a process at its end, that had left the task's own
	// page table loaded.
	SwitchKept SwitchKind = 4

	// SwitchLazy is to a kernel thread: it borrows the page table that is loaded.
	SwitchLazy SwitchKind = 5
	// SwitchLazyIdle is to the idle task, which does the same.
	SwitchLazyIdle SwitchKind = 6

	// SwitchIdle is from the idle task, to a kernel thread or to a task whose page table was still
	// loaded.
	SwitchIdle SwitchKind = 7
	// SwitchIdleAddressSpace is from the idle task and loaded another page table.
	SwitchIdleAddressSpace SwitchKind = 8

	// SwitchKinds is their number.
	SwitchKinds = 9
)

// String returns the kind's name.
func (k SwitchKind) String() string {
	names := [SwitchKinds]string{
		"thread", "address_space", "address_space_flush", "address_space_no_flush", "kept", "lazy",
		"lazy_idle",
		"idle", "idle_address_space",
	}
	if k < 0 || int(k) >= len(names) {
		return fmt.Sprintf("SwitchKind(%d)", int(k))
	}
	return names[k]
}

// SwitchTimes is how long switches took on their CPU, without the probe.
type SwitchTimes struct {
	// Choosing is from the scheduler's entry (sched_entry_tp) to its choice (sched_switch): taking
	// the run queue's lock, putting the old task back or to sleep, looking for work on other CPUs
	// if there is none here, picking the next.
	Choosing hist.Histogram `json:"choosing"`

	// Switching is from there to the scheduler's end, on the stack of the task that came
	// (sched_exit_tp): page table, registers, stack, and what is left to do for the task that went,
	// which is much for one that has ended.
	Switching hist.Histogram `json:"switching"`

	// Total is the sum of both for each switch.
	Total hist.Histogram `json:"total"`
}

// Merge adds the times of o to t.
func (t *SwitchTimes) Merge(o *SwitchTimes) {
	t.Choosing.Merge(&o.Choosing)
	t.Switching.Merge(&o.Switching)
	t.Total.Merge(&o.Total)
}

// SwitchTimesByKind are the times of each kind of switch. In JSON they go by its name; a kind of
// which there was none has none.
type SwitchTimesByKind [SwitchKinds]SwitchTimes

// MarshalJSON writes them by name.
func (s SwitchTimesByKind) MarshalJSON() ([]byte, error) {
	byName := make(map[string]*SwitchTimes)
	for k := range s {
		if t := &s[k]; t.Choosing.Count()+t.Switching.Count() > 0 {
			byName[SwitchKind(k).String()] = t
		}
	}
	return json.Marshal(byName)
}

// UnmarshalJSON reads what MarshalJSON writes. A kind that it does not know is an error.
func (s *SwitchTimesByKind) UnmarshalJSON(data []byte) error {
	var byName map[string]SwitchTimes
	if err := json.Unmarshal(data, &byName); err != nil {
		return err
	}
	*s = SwitchTimesByKind{}
	for k := range s {
		name := SwitchKind(k).String()
		s[k] = byName[name]
		delete(byName, name)
	}
	for name := range byName {
		return fmt.Errorf("a kind of switch called %.40q", name)
	}
	return nil
}

// ProbeTime is what a pair of probes adds to the time between their stamps: the end of one clock
// reading, the way out of one program and into the next, and the beginning of another reading. It
// was measured on this machine, as the time between two programs that follow each other with
// nothing in between.
type ProbeTime struct {
	// Median, Low and High are of several runs, each of which gives the mean of the middle half of
	// its samples: clocks can be coarser than what is looked for.
	Median  time.Duration `json:"median_ns"`
	Low     time.Duration `json:"low_ns"`
	High    time.Duration `json:"high_ns"`
	Samples int           `json:"samples"`
}

// SwitchCosts is what the switches of a window cost.
type SwitchCosts struct {
	Window time.Duration `json:"window_ns"`
	By     string        `json:"by"` // the hooks a switch was measured with

	// Kinds are the costs by SwitchKind.
	Kinds SwitchTimesByKind `json:"kinds"`

	// Preemption is from the first request to give up the CPU to the switch, of tasks other than
	// the idle one. With lazy preemption (6.13) the kernel may mean to wait for the next tick.
	Preemption hist.Histogram `json:"preemption"`
	// PreemptionBy says what a request is. Best is sched_set_need_resched_tp, all of them, when
	// they are made. Where a program there is a danger, it is "need_resched seen at a waking
	// (sched_wakeup)": those made by a task that woke, and not, for one, by the tick. It is empty
	// where neither can be known: see Missing["preemption"].
	PreemptionBy string `json:"preemption_by,omitempty"`
	// Unserved are requests after which the same task went on: the scheduler chose it again. They
	// are in no histogram.
	Unserved uint64 `json:"unserved"`
	// Older are requests that a waking found made already, so that it is not known when. They are
	// in no histogram.
	Older uint64 `json:"older"`
	// Negative are requests that two CPUs' clocks put after their switch. They are in no histogram.
	Negative uint64 `json:"negative"`

	// Switches were seen to begin. They are those of Kinds, and Unended.
	Switches uint64 `json:"switches"`
	// Unended are switches that were not seen to end: those under way when the window was closed,
	// one on each CPU at most, and those to tasks that the kernel keeps from tracing.
	Unended uint64 `json:"unended"`
	// Unentered are switches whose beginning was not seen, and which have only Switching: one on
	// each CPU at most, under way when the window was opened.
	Unentered uint64 `json:"unentered"`

	// Unseen are switches that were seen only to end, by which their kind is not known: those under
	// way when the window was opened. They are not in Switches.
	Unseen uint64 `json:"unseen"`

	// Probe is what was subtracted: once from Choosing, once from Switching, and once more where
	// there was a tlb_flush. What was measured is that much longer.
	Probe ProbeTime `json:"probe"`
	// ClampedChoosing and ClampedSwitching are times that were shorter than the probe and count as
	// 0.
	ClampedChoosing  uint64 `json:"clamped_choosing"`
	ClampedSwitching uint64 `json:"clamped_switching"`

	// Steal is the time the hypervisor kept from all CPUs in the window. It is included in what it
	// came in the middle of.
	Steal time.Duration `json:"steal_ns"`

	// Missing has the reason for each of choosing, total, preemption and tlb_flush that is not
	// known.
	Missing map[string]string `json:"missing,omitempty"`
	// Losses are events that happened and were not seen.
	Losses []Loss `json:"losses,omitempty"`
	// Checks has one: switches, all that were seen to begin are in one kind or did not end.
	Checks []Check `json:"checks"`
}

// Of returns the costs of several kinds together.
func (c *SwitchCosts) Of(kinds ...SwitchKind) *SwitchTimes {
	t := new(SwitchTimes)
	for _, k := range kinds {
		t.Merge(&c.Kinds[k])
	}
	return t
}

// AddressSpace returns the costs of switches from a task to another that loaded another page table,
// with and without a flush of the TLB.
func (c *SwitchCosts) AddressSpace() *SwitchTimes {
	return c.Of(SwitchAddressSpace, SwitchAddressSpaceFlush, SwitchAddressSpaceNoFlush)
}

// Lazy returns the costs of switches from a task to a kernel thread or the idle task.
func (c *SwitchCosts) Lazy() *SwitchTimes { return c.Of(SwitchLazy, SwitchLazyIdle) }

// Idle returns the costs of switches away from the idle task.
func (c *SwitchCosts) Idle() *SwitchTimes { return c.Of(SwitchIdle, SwitchIdleAddressSpace) }
