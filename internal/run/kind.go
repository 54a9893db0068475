package run

import "switchyard/internal/sched"

// kindNames are the values of the column kind. They are on disk: never rename one.
var kindNames = [...]string{
	sched.Switch:       "switch",
	sched.Waking:       "waking",
	sched.WakeNew:      "wake_new",
	sched.Migrate:      "migrate",
	sched.New:          "new",
	sched.Exec:         "exec",
	sched.Rename:       "rename",
	sched.Exit:         "exit",
	sched.Free:         "free",
	sched.SyscallEnter: "syscall_enter",
	sched.SyscallExit:  "syscall_exit",
	sched.NeedResched:  "need_resched",
}

// What a kind gives a meaning to: package sched says it, event by event.
const (
	hasOther = 1 << iota
	hasPrio
	hasAtCPU
	hasSyscall
	hasResult
	isSwitch
)

var kindHas = [len(kindNames)]uint8{
	sched.Switch:       hasOther | hasPrio | isSwitch,
	sched.Waking:       hasOther | hasPrio | hasAtCPU,
	sched.WakeNew:      hasOther | hasPrio | hasAtCPU,
	sched.Migrate:      hasOther | hasAtCPU,
	sched.New:          hasOther,
	sched.SyscallEnter: hasSyscall,
	sched.SyscallExit:  hasResult,
	sched.NeedResched:  hasAtCPU,
}

// kindNamed returns the kind of that name, or 0.
func kindNamed(name string) sched.Kind {
	for k, n := range kindNames {
		if n == name && k > 0 {
			return sched.Kind(k)
		}
	}
	return 0
}
