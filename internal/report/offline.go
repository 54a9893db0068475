package report

import (
	"fmt"
	"strings"

	"switchyard/trace/event"
)

// OfflineTimes says which CPUs were offline in a window of so many ns, and when; "" if none was.
func OfflineTimes(list []event.Absence, window int64) string {
	const most = 8
	var parts []string
	for _, o := range list[:min(len(list), most)] {
		from, to := "the beginning", "the end"
		if o.From > 0 {
			from = nanos(float64(o.From))
		}
		if o.To < window {
			to = nanos(float64(o.To))
		}
		parts = append(parts, fmt.Sprintf("CPU %d from %s to %s", o.CPU, from, to))
	}
	if n := len(list) - most; n > 0 {
		parts = append(parts, fmt.Sprintf("%d times more (--format json lists all)", n))
	}
	return strings.Join(parts, ", ")
}

// offlineSentence says it of a trace.
func (t *Trace) offlineSentence() string {
	if len(t.Offline) == 0 {
		return ""
	}
	return "Offline: " + OfflineTimes(t.Offline, t.WindowNS) +
		". What a CPU did meanwhile is not known."
}
