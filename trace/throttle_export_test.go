package trace

import (
	"time"

	"switchyard/internal/proc"
)

// MaxCgroups exports maxCgroups.
const MaxCgroups = maxCgroups

// CPUStat exports proc.ParseCPUStat.
func CPUStat(text string) (times uint64, d time.Duration, err error) {
	return proc.ParseCPUStat([]byte(text))
}

// WatchThrottlingBelow is WatchThrottling in a file system whose root is a directory; of every
// cgroup without a pid.
func WatchThrottlingBelow(root string, pids ...int) *ThrottleWatch {
	w := newThrottleWatch(root)
	for _, pid := range pids {
		w.add(pid)
	}
	if len(pids) == 0 {
		w.addAll()
	}
	return w
}
