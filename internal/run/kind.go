package run

import "switchyard/trace/event"

// kindNames are the values of the column kind. They are on disk: never rename one.
var kindNames = [...]string{
	event.Switch:       "switch",
	event.Waking:       "waking",
	event.WakeNew:      "wake_new",
	event.Migrate:      "migrate",
	event.New:          "new",
	event.Exec:         "exec",
	event.Rename:       "rename",
	event.Exit:         "exit",
	event.Free:         "free",
	event.SyscallEnter: "syscall_enter",
	event.SyscallExit:  "syscall_exit",
	event.Offline:      "offline",
	event.Online:       "online",
}

// What a kind gives a meaning to: package event says it, event by event.
const (
	hasOther = 1 << iota
	hasPrio
	hasAtCPU
	hasSyscall
	hasResult
	isSwitch
)

var kindHas = [len(kindNames)]uint8{
	event.Switch:       hasOther | hasPrio | isSwitch,
	event.Waking:       hasOther | hasPrio | hasAtCPU,
	event.WakeNew:      hasOther | hasPrio | hasAtCPU,
	event.Migrate:      hasOther | hasAtCPU,
	event.New:          hasOther,
	event.SyscallEnter: hasSyscall,
	event.SyscallExit:  hasResult,
	event.Offline:      hasAtCPU,
	event.Online:       hasAtCPU,
}

// kindNamed returns the kind of that name, or 0.
func kindNamed(name string) event.Kind {
	for k, n := range kindNames {
		if n == name && n != "" {
			return event.Kind(k)
		}
	}
	return 0
}
