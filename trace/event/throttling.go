package event

import "time"

// Throttling is how often, and for how long, cgroups were kept from the CPU in a window because
// they had used up what cpu.max (cgroup v2) or cpu.cfs_quota_us (v1) gives them in a period. Their
// tasks were runnable meanwhile: the time is in run-queue times and latencies, though no other task
// may have had the CPU.
type Throttling struct {
	// Times is the number of periods in which one was throttled (nr_throttled), added up. The
	// kernel counts a period at its end, and the time when it lets the tasks go, which can be
	// periods later: either may be 0 and the other not.
	Times uint64 `json:"count"`
	// Time is that of the throttled run queues, of which a cgroup has one for each CPU, added up:
	// it can be longer than the window. JSON has ns.
	Time time.Duration `json:"ns"`
	// Cgroups are the names of those that were throttled, by falling time. They are data: the names
	// are chosen by whoever made the cgroups, and may have any byte but a line's end.
	Cgroups []string `json:"cgroups"`
	// Read is the number of cgroups that were read.
	Read int `json:"cgroups_read"`
}
