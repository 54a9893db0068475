package event

import "time"

// Totals is what one task, or several together, did in a window: what both depths of tracing tell.
// Intervals that reach beyond the window count with the part inside.
type Totals struct {
	Times
	Wakings
	Migrations Migrations `json:"migrations"`
	Switches   Switches   `json:"switches"`
	Lives

	// Censored are intervals that began before the window or ended after it. They are in no
	// distribution. Count depth has the number of those that began before it, and no time.
	Censored Affected `json:"censored"`
	Unseen
	// NegativeIntervals are those that two CPUs' clocks made negative: taken as 0, in no
	// distribution.
	NegativeIntervals uint64 `json:"negative_intervals"`

	// KernelVoluntary and KernelInvoluntary are the changes of nvcsw and nivcsw.
	KernelVoluntary   uint64 `json:"kernel_voluntary"`
	KernelInvoluntary uint64 `json:"kernel_involuntary"`
}

// Times are how long a task did what, ns in JSON.
type Times struct {
	// Life is how long it existed; of several tasks, added up. What follows fills it: OnCPU is from
	// switch-in to switch-out, Blocked from voluntary switch-out to first waking, RunQueue from
	// runnable to on-CPU, and of Unknown it is not known what the task did. Time that a hypervisor
	// steals is in OnCPU.
	Life     time.Duration `json:"life_ns"`
	OnCPU    time.Duration `json:"on_cpu_ns"`
	Blocked  time.Duration `json:"blocked_ns"`
	RunQueue time.Duration `json:"run_queue_ns"`
	Unknown  time.Duration `json:"unknown_ns"`
}

// Wakings are how often a task was woken.
type Wakings struct {
	// Wakeups are the first wakings of each off-CPU period; WakeupsByInterrupt those whose waker
	// was an interrupt, a softirq or an NMI and not a task. A task's first start is no wake-up.
	Wakeups            uint64 `json:"wakeups"`
	WakeupsByInterrupt uint64 `json:"wakeups_by_interrupt"`
	// SpuriousWakeups are wakings of a task that was not blocked: on a CPU, or runnable already.
	SpuriousWakeups uint64 `json:"spurious_wakeups"`
}

// Lives are beginnings and ends.
type Lives struct {
	// Forks are new processes, Threads new threads (io_uring's workers included), made by the task.
	Forks   uint64 `json:"forks"`
	Threads uint64 `json:"threads"`
	// Execs are programs started, Exits tasks that ended, processes and threads.
	Execs uint64 `json:"execs"`
	Exits uint64 `json:"exits"`
}

// Unseen is what of a task the kernel kept from tracing.
type Unseen struct {
	// UnseenSwitches are switches into a task that the kernel did not show, because it keeps the
	// other task from tracing. The task's times are then shared out by sum_exec_runtime, and are in
	// no distribution; AddressSpace, Thread and Kept lack the switch. UnseenWakings, likewise: the
	// whole of that time counts as Blocked.
	UnseenSwitches uint64 `json:"unseen_switches"`
	UnseenWakings  uint64 `json:"unseen_wakings"`
	// SignalledSwitches are the voluntary switches that a signal cut short, so that only the
	// kernel's counter tells them from involuntary ones.
	SignalledSwitches uint64 `json:"signalled_switches"`
}

// Add adds what another task did.
func (t *Totals) Add(o *Totals) {
	t.Life += o.Life
	t.OnCPU += o.OnCPU
	t.Blocked += o.Blocked
	t.RunQueue += o.RunQueue
	t.Unknown += o.Unknown
	t.Wakeups += o.Wakeups
	t.WakeupsByInterrupt += o.WakeupsByInterrupt
	t.SpuriousWakeups += o.SpuriousWakeups
	t.Migrations.Add(&o.Migrations)
	t.Switches.Add(&o.Switches)
	t.Forks += o.Forks
	t.Threads += o.Threads
	t.Execs += o.Execs
	t.Exits += o.Exits
	t.Censored.Count += o.Censored.Count
	t.Censored.Time += o.Censored.Time
	t.UnseenSwitches += o.UnseenSwitches
	t.UnseenWakings += o.UnseenWakings
	t.SignalledSwitches += o.SignalledSwitches
	t.NegativeIntervals += o.NegativeIntervals
	t.KernelVoluntary += o.KernelVoluntary
	t.KernelInvoluntary += o.KernelInvoluntary
}

// Migrations are moves of tasks to another CPU (sched_migrate_task), by cause. Count depth knows
// the Total only.
type Migrations struct {
	Total uint64 `json:"total"` // all below but ForkedAway

	// AtWakeup: the waker chose another CPU, and nothing came in between on the waker's CPU.
	AtWakeup uint64 `json:"at_wakeup,omitempty"`
	AtFork   uint64 `json:"at_fork,omitempty"` // before it first ran
	// AtExec: by the stopper, and exec followed before the task gave the CPU up.
	AtExec uint64 `json:"at_exec,omitempty"`
	// by the balancer: in a softirq, or pulled by the CPU that went idle; pushed, if it is a
	// real-time task
	Balancing uint64 `json:"balancing,omitempty"`
	// Forced moves are the rest: another task changed what CPUs this one may use, or the stopper
	// moved it, which it does for that, and for the balancer when the task is running. The two
	// cannot be told apart.
	Forced uint64 `json:"forced,omitempty"`

	// ForkedAway are new tasks whose first CPU is not their maker's. The kernel shows no migration
	// for it.
	ForkedAway uint64 `json:"forked_away,omitempty"`
}

// Add adds the migrations of another task.
func (m *Migrations) Add(o *Migrations) {
	m.Total += o.Total
	m.AtWakeup += o.AtWakeup
	m.AtFork += o.AtFork
	m.AtExec += o.AtExec
	m.Balancing += o.Balancing
	m.Forced += o.Forced
	m.ForkedAway += o.ForkedAway
}

// Affected is a number of intervals and the time in them that lies inside the window.
type Affected struct {
	Count uint64        `json:"count"`
	Time  time.Duration `json:"ns"`
}

// Add adds an interval.
func (a *Affected) Add(d time.Duration) { a.Count++; a.Time += d }
