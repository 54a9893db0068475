package sched

import (
	"time"

	"switchyard/trace/event"
)

// Migrations are moves of tasks to another CPU (sched_migrate_task), by cause.
type Migrations struct {
	Total uint64 // all below but ForkedAway

	AtWakeup  uint64 // the waker chose another CPU: nothing came in between on the waker's CPU
	AtFork    uint64 // before it first ran
	AtExec    uint64 // by the stopper, and exec followed before the task gave the CPU up
	Balancing uint64 // by the balancer: in a softirq, or pulled by the CPU that went idle; pushed, if it is a real-time task
	// Forced moves are the rest: another task changed what CPUs this one may use, or the stopper moved it, which it does
	// for that, and for the balancer when the task is running. The two cannot be told apart.
	Forced uint64

	// ForkedAway are new tasks whose first CPU is not their maker's. The kernel shows no migration for it.
	ForkedAway uint64
}

// Affected is a number of intervals and the time in them that lies inside the window.
type Affected struct {
	Count uint64
	Time  time.Duration
}

func (a *Affected) add(ns int64) { a.Count++; a.Time += time.Duration(ns) }

// Totals is what one task, or several together, did in the window. Intervals that reach beyond the window count with the
// part inside.
type Totals struct {
	OnCPU    time.Duration // switch-in to switch-out; time stolen by a hypervisor included
	Blocked  time.Duration // voluntary switch-out to first waking
	RunQueue time.Duration // runnable to on-CPU
	Unknown  time.Duration // the task lived, and what it did is not known
	Life     time.Duration // the time it existed; of several tasks, added up

	// Inferred is the part of OnCPU whose ends were not seen: the kernel's sum_exec_runtime tells how long it was.
	Inferred time.Duration

	Switches event.Switches

	Wakeups            uint64 // first wakings of an off-CPU period. A task's first start is none
	WakeupsByInterrupt uint64 // those whose waker was an interrupt
	SpuriousWakeups    uint64 // wakings of a task that was on a CPU or runnable already
	// EarlyWakeups are those of Wakeups that came before the switch-out they belong to: the waker, on another CPU, waits
	// for it. Blocked would be negative and is 0; the wait for a CPU begins at the switch-out.
	EarlyWakeups uint64

	Migrations             Migrations
	Forks, Threads         uint64 // processes and threads made
	Execs, Exits           uint64
	Censored               Affected // intervals that began before the window or ended after it: in no distribution
	Touched                Affected // intervals in which a CPU concerned lost events, so that they may be others
	UnseenSwitches         uint64   // switches into it that were not seen, with none away missing: see Inferred
	UnseenWakings          uint64   // it blocked and came back without a waking. All of that time is in Blocked, none in a distribution
	SignalledSwitches      uint64   // voluntary ones that only the kernel's counter tells: a signal kept the task runnable
	NegativeIntervals      uint64   // intervals two CPUs' clocks made negative: taken as 0, in no distribution
	MissingVoluntary       uint64   // switches away that the kernel counted and no event shows, from snapshot to snapshot,
	MissingInvoluntary     uint64   // whatever the window
	KernelVoluntary        uint64   // the changes of nvcsw
	KernelInvoluntary      uint64   // and nivcsw, from snapshot to snapshot, or the task's begin or end
	TracedVoluntary        uint64   // the events among those: equal if nothing is missing
	TracedInvoluntary      uint64
	ExecTraced, ExecKernel time.Duration // spans whose ends were seen; what sum_exec_runtime says of the same
}

// add adds what another task did.
func (t *Totals) add(o *Totals) {
	t.OnCPU += o.OnCPU
	t.Blocked += o.Blocked
	t.RunQueue += o.RunQueue
	t.Unknown += o.Unknown
	t.Life += o.Life
	t.Inferred += o.Inferred

	t.Switches.Add(&o.Switches)

	t.Wakeups += o.Wakeups
	t.WakeupsByInterrupt += o.WakeupsByInterrupt
	t.SpuriousWakeups += o.SpuriousWakeups
	t.EarlyWakeups += o.EarlyWakeups

	t.Migrations.Total += o.Migrations.Total
	t.Migrations.AtWakeup += o.Migrations.AtWakeup
	t.Migrations.AtFork += o.Migrations.AtFork
	t.Migrations.AtExec += o.Migrations.AtExec
	t.Migrations.Balancing += o.Migrations.Balancing
	t.Migrations.Forced += o.Migrations.Forced
	t.Migrations.ForkedAway += o.Migrations.ForkedAway

	t.Forks += o.Forks
	t.Threads += o.Threads
	t.Execs += o.Execs
	t.Exits += o.Exits
	t.Censored.Count += o.Censored.Count
	t.Censored.Time += o.Censored.Time
	t.Touched.Count += o.Touched.Count
	t.Touched.Time += o.Touched.Time
	t.UnseenSwitches += o.UnseenSwitches
	t.UnseenWakings += o.UnseenWakings
	t.SignalledSwitches += o.SignalledSwitches
	t.NegativeIntervals += o.NegativeIntervals
	t.MissingVoluntary += o.MissingVoluntary
	t.MissingInvoluntary += o.MissingInvoluntary
	t.KernelVoluntary += o.KernelVoluntary
	t.KernelInvoluntary += o.KernelInvoluntary
	t.TracedVoluntary += o.TracedVoluntary
	t.TracedInvoluntary += o.TracedInvoluntary
	t.ExecTraced += o.ExecTraced
	t.ExecKernel += o.ExecKernel
}
