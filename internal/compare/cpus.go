package compare

import (
	"fmt"
	"slices"

	"switchyard/internal/proc"
	"switchyard/internal/report"
	"switchyard/trace"
)

// cpuNotes says that the machine had other CPUs at the end of a window than when it was opened, or
// in between, as far as that was counted: what ran on one that goes is moved to others, and stays
// there. A list that is not known is nil.
func cpuNotes(before, after proc.CPUList, c *trace.Counts) []string {
	var notes []string
	if before != nil && after != nil && !slices.Equal(before, after) {
		notes = append(notes, fmt.Sprintf("CPUs %s were online when it began, and %s at its end",
			before, after))
	}
	if c != nil && len(c.Offline) > 0 {
		notes = append(notes, "CPUs were offline while it was measured: "+
			report.OfflineTimes(c.Offline, int64(c.Window)))
	}
	return notes
}
