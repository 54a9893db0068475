package threads

import (
	"time"

	"switchyard/internal/proc"
)

// taskBudget tells a thread that makes others when it must not: it looks at the limits before the
// half of what was left can have been used up, and when some time has passed, as others make tasks
// too.
type taskBudget struct {
	look  func() (room int, limit string)
	left  int
	until time.Time
}

// spend reports whether one more thread may be made, and counts it.
func (b *taskBudget) spend() bool {
	if b.left == 0 || time.Now().After(b.until) {
		room, _ := b.look()
		fresh := time.Second
		if room > 4096 {
			fresh = 10 * time.Second
		}
		b.left, b.until = max(0, room-proc.TaskReserve+1)/2, time.Now().Add(fresh)
	}
	if b.left == 0 {
		return false
	}
	b.left--
	return true
}
