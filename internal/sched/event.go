package sched

import "switchyard/trace/event"

// The analysis takes what package event defines.
type (
	TaskID    = event.TaskID
	Kind      = event.Kind
	Flags     = event.Flags
	PageTable = event.PageTable
	Event     = event.Event
	Task      = event.Task
	Activity  = event.Activity
	Snapshot  = event.Snapshot
	Lost      = event.Lost
	Window    = event.Window
)

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
