package trace

import (
	"fmt"
	"time"

	"switchyard/internal/proc"
	"switchyard/trace/event"
)

// check makes all checks of a window. The gone are left out where nobody saw what they did.
func (c *Counts) check(sum *[bpfCountCOUNTS]uint64, opened, closed uint64, k *bpfWindow,
	gone []stranded) {
	var unseen stranded
	for _, g := range gone {
		unseen.voluntary += g.voluntary
		unseen.involuntary += g.involuntary
		unseen.unknown += g.unknown
	}
	vol := event.Equal("nvcsw", c.Total.Switches.Voluntary,
		c.Total.KernelVoluntary-unseen.voluntary)
	invol := event.Equal("nivcsw", c.Total.Switches.Involuntary,
		c.Total.KernelInvoluntary-unseen.involuntary)
	for i := range c.Tasks {
		t := &c.Tasks[i]
		g := findStranded(gone, t)
		each(&vol, t, t.Switches.Voluntary, t.KernelVoluntary-g.voluntary)
		each(&invol, t, t.Switches.Involuntary, t.KernelInvoluntary-g.involuntary)
	}

	tasks := event.Equal("tasks", opened+k.Born, k.Died+closed)
	if made := c.Total.Forks + c.Total.Threads; tasks.OK() && made != k.Born+k.LostAlloc {
		tasks.Status = event.Fail
		tasks.Reason = fmt.Sprintf("%d forks and threads, but %d new tasks", made,
			k.Born+k.LostAlloc)
	}

	life := event.Equal("life", uint64(c.Total.OnCPU+c.Total.RunQueue+c.Total.Blocked),
		uint64(c.Total.Life-unseen.unknown))
	if unknown := c.Total.Unknown - unseen.unknown; life.Status == event.Fail && unknown > 0 {
		life.Reason += fmt.Sprintf("; for %v it was not known what tasks did", unknown)
	}
	strandedNote(&vol, gone)
	strandedNote(&invol, gone)
	strandedNote(&life, gone)

	// Either may be ahead by a tick's worth for each CPU at each end (10 ms, for HZ may be 100),
	// and by what the kernel's clock leaves out: stolen time. The CPUs are the machine's, and not
	// those that this process may run on.
	_, cpus := proc.Here.Host()
	margin := c.Total.CPU/100 + c.Steal + c.Interrupts +
		2*10*time.Millisecond*time.Duration(min(uint64(cpus), max(opened, closed)))
	// We are ahead by the time it takes to choose the next task, which before going idle includes
	// looking for work on other CPUs.
	choosing := time.Microsecond*time.Duration(c.Total.Switches.Total()) +
		10*time.Microsecond*time.Duration(c.Total.Switches.Lazy)
	// The kernel is ahead by a part of the wake-up latency: for a task that is to run at once it
	// does not read its clock again at the switch (rq_clock_skip_update), but counts from when the
	// task was put on the queue. Where a CPU has to come out of idle, of a virtual machine at that,
	// these are several µs for each wake-up; and for each new task, whose latency is taken to be
	// like theirs.
	waking := c.WakeupLatency.Sum() + c.WakeupLatency.Mean()*time.Duration(c.Total.Forks+
		c.Total.Threads)
	exec := event.Check{
		Name:   "sum_exec_runtime",
		Status: event.Pass,
		Traced: uint64(c.Total.OnCPU),
		Kernel: uint64(c.Total.CPU),
	}
	if d := c.Total.OnCPU - c.Total.CPU; d < -(margin+waking) || d > margin+choosing {
		exec.Status = event.Fail
		exec.Reason = fmt.Sprintf("differs by %v, not between %v and %v", d, -(margin + waking),
			margin+choosing)
	}
	c.Checks = []event.Check{vol, invol, tasks, life, exec}
}

// explainLife adds to a failed check what may be the reason on a kernel without a
// compare-and-exchange for BPF.
func (c *Counts) explainLife() {
	for i := range c.Checks {
		if k := &c.Checks[i]; k.Name == "life" && k.Status == event.Fail {
			k.Reason += "; before 5.12 an interval whose end two CPUs see at once can be counted twice"
		}
	}
}

// each fails a check of the sum when one task's numbers differ: two tasks' errors must not cancel
// out.
func each(c *event.Check, t *TaskTotals, traced, kernel uint64) {
	if c.OK() && traced != kernel {
		c.Status = event.Fail
		c.Reason = fmt.Sprintf("task %d (%s): traced %d, kernel %d", t.TID, t.Name, traced, kernel)
	}
}
