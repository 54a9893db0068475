package sched

import "switchyard/trace/event"

// The analysis takes what package event defines.
type (
	TaskID    = event.TaskID    // is a task's number in a recording
	Kind      = event.Kind      // says which fields of an Event have a meaning
	Flags     = event.Flags     // are bits of an Event
	PageTable = event.PageTable // is what a switch did about the page table
	Event     = event.Event     // is what one tracepoint said
	Task      = event.Task      // is one life of a kernel task
	Activity  = event.Activity  // is what a task was doing when a Snapshot was taken
	Snapshot  = event.Snapshot  // is what the kernel's own books said of a task
	Lost      = event.Lost      // is an interval in which events of a CPU could not be recorded
	Window    = event.Window    // is the time a recording is about
)

// Its values: package event says what each means.
const (
	NoTask = event.NoTask

	Switch       = event.Switch
	Waking       = event.Waking
	WakeNew      = event.WakeNew
	Migrate      = event.Migrate
	New          = event.New
	Exec         = event.Exec
	Rename       = event.Rename
	Exit         = event.Exit
	Free         = event.Free
	SyscallEnter = event.SyscallEnter
	SyscallExit  = event.SyscallExit
	NeedResched  = event.NeedResched

	FlagPreempt     = event.FlagPreempt
	FlagVoluntary   = event.FlagVoluntary
	FlagYield       = event.FlagYield
	FlagTaskTraced  = event.FlagTaskTraced
	FlagOtherTraced = event.FlagOtherTraced
	FlagHardIRQ     = event.FlagHardIRQ
	FlagSoftIRQ     = event.FlagSoftIRQ
	FlagNMI         = event.FlagNMI
	FlagThread      = event.FlagThread

	Lazy         = event.Lazy
	AddressSpace = event.AddressSpace
	Thread       = event.Thread
	Kept         = event.Kept

	StateInterruptible   = event.StateInterruptible
	StateUninterruptible = event.StateUninterruptible
	StateStopped         = event.StateStopped
	StateTraced          = event.StateTraced
	StateExitDead        = event.StateExitDead
	StateExitZombie      = event.StateExitZombie
	StateParked          = event.StateParked
	StateDead            = event.StateDead
	StateWakeKill        = event.StateWakeKill
	StateNoLoad          = event.StateNoLoad
	StateFreezable       = event.StateFreezable
	StateReport          = event.StateReport

	Unknown  = event.Unknown
	OnCPU    = event.OnCPU
	Runnable = event.Runnable
	Blocked  = event.Blocked
)

// Idle returns the idle task of a CPU.
func Idle(cpu int) TaskID { return event.Idle(cpu) }
