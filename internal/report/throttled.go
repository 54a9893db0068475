package report

import (
	"fmt"
	"strings"
)

// Throttled is how often limits on CPU bandwidth (cpu.max, cpu.cfs_quota_us)
// kept cgroups from the CPU, and for how long: a time of run queues, of which a
// cgroup has one for each CPU, added up.
type Throttled struct {
	Count uint64 `json:"count"`
	NS    int64  `json:"ns"`
	// Cgroups are those that were throttled, by falling time, of the Read that
	// were looked at.
	Cgroups []string `json:"cgroups"`
	Read    int      `json:"cgroups_read"`
}

// sentence is "" if none was throttled.
func (t *Throttled) sentence() string {
	if t == nil || t.Count == 0 && t.NS == 0 {
		return ""
	}
	return fmt.Sprintf("Throttled by a limit on CPU bandwidth: %s. Run-queue time and latency include that.", t)
}

// String returns how often, for how long, and where. The kernel may not have
// told the time yet: it does when tasks go on.
func (t *Throttled) String() string {
	s := plural(int(t.Count), "time")
	if t.NS != 0 {
		s += fmt.Sprintf(", %s on all CPUs together", nanos(float64(t.NS)))
	}
	const most = 2
	var names []string
	for _, name := range t.Cgroups[:min(len(t.Cgroups), most)] {
		names = append(names, Printable(name))
	}
	if n := len(t.Cgroups) - most; n > 0 {
		names = append(names, fmt.Sprintf("%d more", n))
	}
	if len(names) > 0 {
		s += " (cgroup " + strings.Join(names, ", ") + ")"
	}
	return s
}

// throttledModels says which models' servers were throttled, "" if none was.
func throttledModels(rows []ModelRow) string {
	var parts []string
	for _, r := range rows {
		if r.Throttled.sentence() != "" {
			parts = append(parts, Printable(r.Model)+" "+r.Throttled.String())
		}
	}
	return strings.Join(parts, "; ")
}
