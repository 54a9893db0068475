package event

// TaskID is a task's index in the recording's table of tasks, unique over the recording even when
// the kernel uses a TID again. The idle task of CPU n is −(n+1) and in no table.
type TaskID int32

// Idle returns the idle task of a CPU.
func Idle(cpu int) TaskID { return TaskID(-(cpu + 1)) }

// Idle reports whether the task is a CPU's idle task.
func (t TaskID) Idle() bool { return t < 0 && t != NoTask }

// Kind says which fields of an Event have a meaning. The values are those of enum record in
// trace/bpf/event.h and are on disk: they are appended, never renumbered.
type Kind uint8

const (
	// Switch: Task (prev) leaves CPU, Other (next) enters. State is prev's, as the tracepoint has
	// it: 0 is runnable. Prio and OtherPrio are the kernel's (0–99 real time, 100–139 fair, 140
	// idle). NVCSW and NIVCSW are the low 16 bits of prev's own counters, this switch included;
	// Value the low 32 bits of its sum_exec_runtime (ns).
	Switch Kind = 1

	// Waking: Other, or an interrupt while Other was on CPU, makes Task runnable. CPU is the
	// waker's; Value the CPU Task was on last. Prio is Task's.
	Waking Kind = 2

	// WakeNew: Task, just made by Other, becomes runnable for the first time. Fields as of Waking.
	WakeNew Kind = 3

	// Migrate: Task is moved to the CPU in Value, while Other was on CPU. Where it was before,
	// earlier events tell.
	Migrate Kind = 4

	// New: Other makes Task. With FlagThread Task is a thread of Other's process.
	New Kind = 5

	// Exec: Task starts another program. Its Name may change, and its TID, when it is not the
	// leader.
	Exec Kind = 6

	// Rename: Task's name changes.
	Rename Kind = 7

	// Exit: Task begins to end. Its last switch comes later, with StateDead.
	Exit Kind = 8

	// Free: the kernel frees Task, long after its last switch. Nothing about it comes later.
	Free Kind = 9

	// SyscallEnter: Task enters the system call whose number is Value, one of the machine's own
	// ABI, or with FlagCompat of that of 32-bit programs; package syscalls has the names.
	// SyscallExit: it returns Value.
	SyscallEnter Kind = 10
	SyscallExit  Kind = 11

	// 12 was never made. It stays free, so that no reader takes another kind for it. 13 to 15 are
	// records that are no events.

	// Offline: the CPU in Value is offline, since shortly before. Online: it is back, or was before
	// this. Task is NoTask.
	Offline Kind = 16
	Online  Kind = 17
)

// Flags are bits of an Event; which ones can be set depends on its Kind.
type Flags uint8

const (
	// Switch: preempted inside the kernel. Measurement rule 3: not the same as involuntary
	FlagPreempt     Flags = 1 << 0
	FlagVoluntary   Flags = 1 << 1 // Switch: prev gave the CPU up, as the kernel counted it (nvcsw)
	FlagYield       Flags = 1 << 2 // Switch: involuntary, out of sched_yield(2)
	flagPageTable0  Flags = 1 << 3 // Switch: enum PageTable
	flagPageTable1  Flags = 1 << 4
	FlagTaskTraced  Flags = 1 << 5 // Task is one of those the recording is about
	FlagOtherTraced Flags = 1 << 6 // Switch: Other is

	// Waking, WakeNew, Migrate: it happened in a hardware interrupt,
	FlagHardIRQ Flags = 1 << 0
	FlagSoftIRQ Flags = 1 << 1 // in a softirq,
	FlagNMI     Flags = 1 << 2 // or in an NMI, and not in the task that was interrupted

	FlagThread Flags = 1 << 0 // New: a thread, not a process

	FlagCompat Flags = 1 << 0 // SyscallEnter, SyscallExit: of the ABI of 32-bit programs
)

// PageTable is what a switch did about the page table. It says nothing of how the task left: a
// switch is one of voluntary, involuntary and idle, and one of these.
type PageTable uint8

const (
	Lazy PageTable = 0 // next has no mm (kernel thread, idle): the old page table stays
	// the CPU loads another page table: next->mm && prev->active_mm != next->mm
	AddressSpace PageTable = 1
	Thread       PageTable = 2 // prev and next share an mm, and both have one
	Kept         PageTable = 3 // next's page table is still loaded, kept by a task without an mm
)

// PageTable returns what the Switch did about the page table.
func (f Flags) PageTable() PageTable {
	return PageTable(f&(flagPageTable0|flagPageTable1)) >> 3
}

// WithPageTable returns the flags with that part set.
func (f Flags) WithPageTable(p PageTable) Flags {
	return f&^(flagPageTable0|flagPageTable1) | Flags(p)<<3
}

// Interrupt reports whether the event happened in an interrupt of any kind.
func (f Flags) Interrupt() bool { return f&(FlagHardIRQ|FlagSoftIRQ|FlagNMI) != 0 }

// Bits of Event.State: include/linux/sched.h. It is a mask, and 0x2001 is an ordinary sleep
// (TASK_FREEZABLE).
const (
	StateInterruptible   = 0x1
	StateUninterruptible = 0x2
	StateStopped         = 0x4
	StateTraced          = 0x8
	StateExitDead        = 0x10
	StateExitZombie      = 0x20
	StateParked          = 0x40
	StateDead            = 0x80
	StateWakeKill        = 0x100
	StateNoLoad          = 0x400
	StateFreezable       = 0x2000
	StateReport          = 0x7f // what the kernel shows to users
)

// Event is what one tracepoint said.
type Event struct {
	Time      int64 // ns, CLOCK_BOOTTIME
	Value     int64 // ns, or the number of a CPU or of a system call, or its result: see Kind
	Task      TaskID
	Other     TaskID
	CPU       uint16 // on which the tracepoint ran
	State     uint16 // a mask of State… bits
	NVCSW     uint16 // voluntary and involuntary switches since Task began, the low 16 bits of
	NIVCSW    uint16 // their numbers
	Kind      Kind
	Flags     Flags
	Prio      uint8
	OtherPrio uint8
}

// Task is one life of a kernel task.
type Task struct {
	// TID and TGID are the numbers of the thread and the process in the recorder's PID namespace.
	// 0: that has none for it, as for a process outside of the container in which the recorder
	// runs; or it is not known.
	TID, TGID int
	Parent    TaskID
	Name      string // the last one known
	Started   int64  // ns, CLOCK_BOOTTIME; 0: not known
	Kernel    bool   // a kernel thread
	Traced    bool   // one of those the recording is about
	Tracer    bool   // one of the recorder's own threads, which results leave out and sums include
	Early     bool   // it lived when the recording began: Snapshot has its state
}

// NoTask stands for a task that is not known: it was made before the recording and ended before the
// snapshot.
const NoTask TaskID = -1 << 31

// Activity is what a task was doing when a Snapshot was taken.
type Activity uint8

const (
	Unknown Activity = iota
	OnCPU
	Runnable
	Blocked
)

// Snapshot is what the kernel's own books said of a task at one end of the window, read by the task
// iterator, or at its last switch. The counters only grow.
type Snapshot struct {
	Time          int64 // ns, CLOCK_BOOTTIME
	Task          TaskID
	CPU           uint16 // that it is on, or was on last; 65535: not known
	State         uint16 // a mask of State… bits
	Activity      Activity
	NVCSW, NIVCSW uint64 // voluntary and involuntary switches since it began
	Exec          uint64 // sum_exec_runtime, ns; behind by up to a tick while the task runs
	RunDelay      uint64 // ns; only with HasRunDelay (CONFIG_SCHED_INFO)
	HasRunDelay   bool
}

// Lost is an interval in which events of a CPU could not be recorded: Count of them, the first at
// First, the last at Last (ns, CLOCK_BOOTTIME).
type Lost struct {
	CPU   int    `json:"cpu"`
	First int64  `json:"first_ns"`
	Last  int64  `json:"last_ns"`
	Count uint64 `json:"count"`
}

// Absence is an interval in which a CPU was offline: what it did is not known. Times are ns from
// the window's opening on; one that reaches beyond the window has the window's end for its own.
type Absence struct {
	CPU  int   `json:"cpu"`
	From int64 `json:"from_ns"`
	To   int64 `json:"to_ns"`
}

// Loss is a number of events that could not be counted, and why.
type Loss struct {
	Reason string `json:"reason"`
	Count  uint64 `json:"count"`
}

// Window is the time a recording is about (ns, CLOCK_BOOTTIME). Events outside it only tell the
// state things were in.
type Window struct {
	Open  int64 `json:"open_ns"`
	Close int64 `json:"close_ns"`
}
