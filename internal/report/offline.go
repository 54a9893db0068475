package report

import (
	"fmt"
	"strings"

	"switchyard/trace/event"
)

// offlineSentence says which CPUs were offline in a window of so many ns, and when; "" if none was.
func offlineSentence(list []event.Absence, window int64) string {
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
	if len(parts) == 0 {
		return ""
	}
	if n := len(list) - most; n > 0 {
		parts = append(parts, fmt.Sprintf("%d times more (--format json lists all)", n))
	}
	return "Offline: " + strings.Join(parts, ", ") + ". What a CPU did meanwhile is not known."
}
