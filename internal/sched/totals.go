package sched

import (
	"time"

	"switchyard/trace/event"
)

// Totals is what one task, or several together, did in the window, and what only events tell of it.
type Totals struct {
	event.Totals

	// Inferred is the part of OnCPU whose ends were not seen: the kernel's sum_exec_runtime tells
	// how long it was.
	Inferred time.Duration
	// EarlyWakeups are those of Wakeups that came before the switch-out they belong to: the waker,
	// on another CPU, waits for it. Blocked would be negative and is 0; the wait for a CPU begins
	// at the switch-out.
	EarlyWakeups uint64
	// Touched are intervals in which a CPU concerned lost events, so that they may be others.
	Touched event.Affected

	// MissingVoluntary and MissingInvoluntary are switches away that the kernel counted and no
	// event shows, from snapshot to snapshot, whatever the window. TracedVoluntary and
	// TracedInvoluntary are the events among those the kernel counted from snapshot to snapshot, or
	// the task's begin or end: as many as KernelVoluntary and KernelInvoluntary if nothing is
	// missing.
	MissingVoluntary, MissingInvoluntary uint64
	TracedVoluntary, TracedInvoluntary   uint64

	// ExecTraced are spans on a CPU whose ends were seen, ExecKernel what sum_exec_runtime says of
	// the same.
	ExecTraced, ExecKernel time.Duration
}

// add adds what another task did.
func (t *Totals) add(o *Totals) {
	t.Totals.Add(&o.Totals)
	t.Inferred += o.Inferred
	t.EarlyWakeups += o.EarlyWakeups
	t.Touched.Count += o.Touched.Count
	t.Touched.Time += o.Touched.Time
	t.MissingVoluntary += o.MissingVoluntary
	t.MissingInvoluntary += o.MissingInvoluntary
	t.TracedVoluntary += o.TracedVoluntary
	t.TracedInvoluntary += o.TracedInvoluntary
	t.ExecTraced += o.ExecTraced
	t.ExecKernel += o.ExecKernel
}
