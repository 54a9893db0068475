package report

import (
	"cmp"
	"fmt"
	"strings"

	"switchyard/internal/words"
	"switchyard/trace/event"
)

// SetThrottled puts a reading into the report, or why there is none.
func (t *Trace) SetThrottled(r *event.Throttling, why string) {
	if t.Throttled = r; r == nil {
		t.Missing["throttled"] = cmp.Or(why, "the recording does not tell")
	}
}

// throttledSentence is "" if none was throttled.
func throttledSentence(t *event.Throttling) string {
	if t == nil || t.Times == 0 && t.Time == 0 {
		return ""
	}
	return fmt.Sprintf("Throttled by a limit on CPU bandwidth: %s. Run-queue time and latency include that.",
		throttled(t))
}

// throttled says how often, for how long, and where. The kernel may not have told the time yet: it
// does when tasks go on.
func throttled(t *event.Throttling) string {
	s := words.Count(t.Times, "time")
	if t.Time != 0 {
		s += fmt.Sprintf(", %s on all CPUs together", nanos(float64(t.Time)))
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
		if throttledSentence(r.Throttled) != "" {
			parts = append(parts, Printable(r.Model)+" "+throttled(r.Throttled))
		}
	}
	return strings.Join(parts, "; ")
}
