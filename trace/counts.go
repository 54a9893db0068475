package trace

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"switchyard/trace/event"
	"switchyard/trace/hist"
)

// Totals is what one task, or several together, did in a window, and what only the kernel's own
// counters tell of it.
type Totals struct {
	event.Totals

	// PageFaults the kernel resolved for the task, minor and major; MajorFaults had to wait for a
	// disk. The kernel's own numbers, those of getrusage(2).
	PageFaults, MajorFaults uint64

	// CPU is the CPU time by the kernel's own clock (sum_exec_runtime), without stolen time where
	// the kernel can tell; a task that is running counts up to the last tick. User and System
	// divide it as the timer tick's samples fell.
	CPU, User, System time.Duration

	// Values are what probes that were asked for counted of each task.
	Values event.Values
}

// newTotals is what counts mean, with what probes that were asked for have among them.
func newTotals(n *counts, own []ownColumn) Totals {
	// Read on their own, a task's early wake-ups can be ahead of its spurious ones.
	early, spurious := n[bpfCountCOUNT_EARLY], n[bpfCountCOUNT_SPURIOUS]
	c := Totals{
		Totals: event.Totals{
			Times: event.Times{
				Life:     time.Duration(n[bpfCountCOUNT_LIFE]),
				OnCPU:    time.Duration(n[bpfCountCOUNT_ON_CPU]),
				Blocked:  time.Duration(n[bpfCountCOUNT_BLOCKED]),
				RunQueue: time.Duration(n[bpfCountCOUNT_RUN_QUEUE]),
				Unknown:  time.Duration(n[bpfCountCOUNT_UNKNOWN]),
			},
			Wakings: event.Wakings{
				Wakeups:            n[bpfCountCOUNT_WAKEUPS] + early,
				WakeupsByInterrupt: n[bpfCountCOUNT_WAKEUPS_IRQ],
				SpuriousWakeups:    spurious - min(early, spurious),
			},
			Migrations: event.Migrations{Total: n[bpfCountCOUNT_MIGRATIONS]},
			Switches: event.Switches{
				Voluntary:    n[bpfCountCOUNT_VOLUNTARY],
				Involuntary:  n[bpfCountCOUNT_INVOLUNTARY],
				Yields:       n[bpfCountCOUNT_YIELDS],
				Lazy:         n[bpfCountCOUNT_LAZY],
				AddressSpace: n[bpfCountCOUNT_ADDRESS_SPACE],
				Thread:       n[bpfCountCOUNT_THREAD],
				Kept:         n[bpfCountCOUNT_KEPT],
			},
			Lives: event.Lives{
				Forks:   n[bpfCountCOUNT_FORKS],
				Threads: n[bpfCountCOUNT_THREADS],
				Execs:   n[bpfCountCOUNT_EXECS],
				Exits:   n[bpfCountCOUNT_EXITS],
			},
			Censored: event.Affected{Count: n[bpfCountCOUNT_CENSORED]},
			Unseen: event.Unseen{
				UnseenSwitches:    n[bpfCountCOUNT_UNSEEN],
				UnseenWakings:     n[bpfCountCOUNT_UNWOKEN],
				SignalledSwitches: n[bpfCountCOUNT_SIGNALLED],
			},
			NegativeIntervals: n[bpfCountCOUNT_NEGATIVE],
			KernelVoluntary:   n[bpfCountCOUNT_NVCSW],
			KernelInvoluntary: n[bpfCountCOUNT_NIVCSW],
		},
		PageFaults:  n[bpfCountCOUNT_MIN_FLT] + n[bpfCountCOUNT_MAJ_FLT],
		MajorFaults: n[bpfCountCOUNT_MAJ_FLT],
		Values:      valuesOf(n, own),
		CPU:         time.Duration(n[bpfCountCOUNT_SUM_EXEC]),
	}
	c.User, c.System = divide(c.CPU, n[bpfCountCOUNT_UTIME], n[bpfCountCOUNT_STIME])
	return c
}

// divide shares CPU time out as the samples fell, as cputime_adjust in kernel/sched/cputime.c does:
// without a sample of one kind, all is the other's.
func divide(cpu time.Duration, user, system uint64) (u, s time.Duration) {
	switch {
	case system == 0:
		return cpu, 0
	case user == 0:
		return 0, cpu
	}
	s = time.Duration(float64(cpu) * (float64(system) / (float64(user) + float64(system))))
	return cpu - s, s
}

// TaskTotals is what one task did in a window.
type TaskTotals struct {
	// ID tells the task from all others that a Session follows. TIDs are used again, and exec gives
	// one to a thread that had another.
	ID uint64

	TID, TGID int    // as the tracer's PID namespace numbers them; 0: not in it
	Name      string // at its end, the window's, or when it was read

	// Started is when the task began, on CLOCK_BOOTTIME; after an exec in a thread that is not the
	// leader, when the leader did.
	Started time.Duration
	Totals

	// RunQueueLatency and WakeupLatency are the task's part of those in Counts. What ended while
	// the task was read at the window's end can be in them and not yet in Totals. Before Linux 5.12
	// they are nil of a task made in the window (Missing says so, as new_task_latencies).
	RunQueueLatency, WakeupLatency *hist.Histogram

	n counts // what Totals is made of
}

// counts are the kernel side's, of one task or of several.
type counts = [bpfCountCOUNTS]uint64

// Cost is what the tracer took for itself, outside the probes' own time.
type Cost struct {
	Attach time.Duration // loading and attaching, once a session
	Open   time.Duration // in Start
	Close  time.Duration // in Stop, or in Read
	Memory uint64        // of maps and programs in the kernel, bytes; 0: it does not say
}

// Counts is what happened in a window.
type Counts struct {
	// Window is the time between the middles of the two readings.
	Window time.Duration

	// Total is the sum over all traced tasks, those that ended included.
	Total Totals

	// Tasks has a row for each task, by falling time on CPU, as far as Options.MaxTasks allows:
	// those that were in the window first, or before Linux 5.12 those that ended first. What a
	// Read has had of a task that ended is not in later ones, nor in Stop's. Others is the sum over
	// the OtherTasks that have no row here.
	Tasks      []TaskTotals
	Others     Totals
	OtherTasks uint64

	// Started is the number of traced tasks when the window opened, Ended when it closed or was
	// read.
	Started, Ended uint64

	// Those of all traced tasks.
	event.Distributions

	// Values are what probes that were asked for counted, a value for each of their columns
	// (Probe.Columns) that is not in Missing. Those of Total are among them.
	//
	// System calls are counted at their entry. Those that are not of the machine's own ABI have it
	// behind their names (package syscalls): getpid@i386.
	Values event.Values

	// Missing has the reason for each column (Probe.Columns, throttled, new_task_latencies) that is
	// empty because it was not counted: NotAsked of one that nobody wanted.
	Missing map[string]string

	// Offline are the times in which CPUs were offline, in the order in which they began, but for
	// those that were so all the time. What they did then is not known.
	Offline []event.Absence

	// Losses are events that happened and were not counted. Results with losses are too low.
	Losses []event.Loss

	// Checks compare the counts with the kernel's own books. Of a task that was on a CPU when it
	// went offline they leave out the time until it is seen again, and say so.
	//
	//	nvcsw             voluntary switches: equal the change of the traced tasks' nvcsw, and so
	//	                  for each task with a row
	//	nivcsw            involuntary switches: the same with nivcsw
	//	tasks             tasks at the start + those that appeared = those that ended + tasks at the
	//	                  end
	//	life              on-CPU + run-queue + blocked time (ns) = the tasks' life in the window
	//	sum_exec_runtime  on-CPU time (ns): the kernel's own within its clock's error, which is a
	//	                  tick for each CPU at each end, stolen time, the time it takes to choose
	//	                  the next task, when its clock has stopped, and the end of wake-up
	//	                  latencies, when it runs already
	Checks []event.Check

	// Steal is the time the hypervisor kept from all CPUs in the window. It is included in OnCPU
	// and RunQueue.
	Steal time.Duration
	// Interrupts is the time all CPUs spent in interrupts in the window. It is in OnCPU, and where
	// the kernel keeps account of it (CONFIG_IRQ_TIME_ACCOUNTING) not in CPU.
	Interrupts time.Duration
	// Throttled is how often and for how long limits on CPU bandwidth kept the cgroups of the
	// followed processes from the CPU in the window: those that the processes given to Follow were
	// in when it opened, and those above them; after FollowAll, every one. It is included in
	// RunQueue. Nil if it is not known, and Missing says why.
	Throttled *event.Throttling
	Cost      Cost

	n   counts // what Total is made of
	own []ownColumn
}

// LostEvents returns the number of events that were not counted.
func (c *Counts) LostEvents() uint64 {
	var n uint64
	for _, l := range c.Losses {
		n += l.Count
	}
	return n
}

// losses collects what could not be counted.
func (s *Session) losses(c *Counts, alloc uint64) {
	if n := alloc + s.lost; n > 0 {
		c.Losses = append(c.Losses,
			event.Loss{Reason: fmt.Sprintf("more than %d tasks at a time to follow", s.objs.tasks),
				Count: n})
	}
	for name, n := range s.readMisses() {
		if slices.ContainsFunc(s.parts, func(p part) bool { return p.spare == name }) {
			continue
		}
		if n -= s.misses[name]; n > 0 {
			c.Losses = append(c.Losses, event.Loss{Reason: "probe " + name + " was running already",
				Count: n})
		}
	}
	slices.SortFunc(c.Losses, func(a, b event.Loss) int {
		return bytes.Compare([]byte(a.Reason), []byte(b.Reason))
	})
}
