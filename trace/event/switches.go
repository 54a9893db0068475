package event

// Switches are context switches of tasks.
//
// A switch away from a task is voluntary or involuntary; Lazy tells, of either, where it went. A
// switch into a task is one of AddressSpace, Thread and Kept. A switch from one task to another is
// counted on both sides when both are counted, so the two groups are not to be added.
type Switches struct {
	// Voluntary switches away: the task gave the CPU up (!preempt && prev_state != 0). What the
	// kernel counts in nvcsw.
	Voluntary uint64 `json:"voluntary"`
	// Involuntary switches away: every other. What the kernel counts in nivcsw; sched_yield is one
	// of them.
	Involuntary uint64 `json:"involuntary"`
	// Yields are the involuntary switches made in sched_yield(2).
	Yields uint64 `json:"yields"`

	// AddressSpace switches into the task: the CPU loaded another page table for it
	// (prev->active_mm != next->mm).
	AddressSpace uint64 `json:"address_space"`
	// Thread switches into the task: from a task with the same address space.
	Thread uint64 `json:"thread"`
	// Lazy switches away: to a task without an address space, the idle task or a kernel thread. The
	// page table stays.
	Lazy uint64 `json:"lazy"`
	// Kept switches into the task: from the idle task or a kernel thread that had left its page
	// table loaded.
	Kept uint64 `json:"kept"`
}

// Total returns the number of switches away: voluntary and involuntary.
func (s *Switches) Total() uint64 { return s.Voluntary + s.Involuntary }

// Add adds the switches of another task, or of another window.
func (s *Switches) Add(o *Switches) {
	s.Voluntary += o.Voluntary
	s.Involuntary += o.Involuntary
	s.Yields += o.Yields
	s.AddressSpace += o.AddressSpace
	s.Thread += o.Thread
	s.Lazy += o.Lazy
	s.Kept += o.Kept
}
