package proc

import (
	"time"

	"golang.org/x/sys/unix"
)

// CPU is CPU time. Run is the scheduler's sum_exec_runtime: no sample, but for a task that is woken
// on an idle CPU it begins when the task is put on the run queue, some µs before it runs. User and
// System are how the kernel divided it: on kernels that account by ticks, by where the ticks fell.
type CPU struct {
	Run    time.Duration `json:"run_ns"`
	User   time.Duration `json:"user_ns"`
	System time.Duration `json:"system_ns"`
}

// Add is c + d.
func (c CPU) Add(d CPU) CPU { return CPU{c.Run + d.Run, c.User + d.User, c.System + d.System} }

// Sub is c − d.
func (c CPU) Sub(d CPU) CPU { return CPU{c.Run - d.Run, c.User - d.User, c.System - d.System} }

// Split divides Run as User and System stand to each other. The second result is false when neither
// saw a tick.
func (c CPU) Split() (user, system time.Duration, ok bool) {
	ticks := c.User + c.System
	if ticks <= 0 {
		return 0, 0, false
	}
	user = time.Duration(float64(c.Run) * float64(c.User) / float64(ticks))
	return user, c.Run - user, true
}

// Clocks of another process: ~pid in the upper bits, which one in the lower three
// (linux/posix-timers_types.h).
const (
	clockProf  = 0 // user and system
	clockVirt  = 1 // user
	clockSched = 2 // the scheduler's own
)

// CPUTime sums the CPU time of processes, all their threads past and present included
// (clock_gettime(2) with a process's clock id). No privilege is needed. A zombie has its time
// still; once it was waited for, it counts nothing here and among the children of whoever did that
// (getrusage(2)).
func CPUTime(pids []int) CPU {
	var sum CPU
	for _, pid := range pids {
		run, ok := processClock(pid, clockSched)
		if !ok {
			continue
		}
		user, _ := processClock(pid, clockVirt)
		both, _ := processClock(pid, clockProf)
		sum = sum.Add(CPU{run, user, both - user})
	}
	return sum
}

func processClock(pid int, which int32) (time.Duration, bool) {
	var ts unix.Timespec
	id := int32(^pid)<<3 | which
	if err := unix.ClockGettime(id, &ts); err != nil {
		return 0, false
	}
	return time.Duration(ts.Nano()), true
}
