package poll

import (
	"syscall"
	"time"

	"switchyard/internal/sys"
)

// pace chooses how a loop waits. A busy loop waits for microseconds, holding on to Go's processor
// (see sys.Hold), and makes one system call for each wait as any other. Only when ten milliseconds
// have passed without an event does it wait again, letting go: it was not busy, and one call more
// is what that costs. An idle loop, or one with little to do, lets go at once.
type pace struct {
	busy bool
}

const (
	// busyEvents is how many events at once make a loop busy: there will be more soon. A client
	// alone never does, so a quiet server's calls and switches are those of its design.
	busyEvents = 4
	// holdTime is how long a busy loop may find nothing to do. Go's monitor interrupts whoever runs
	// that long anyway.
	holdTime = int64(10 * time.Millisecond)
)

// of is how to wait for ns nanoseconds, less than zero being for ever.
func (p *pace) of(ns int64) (sys.Wait, int64) {
	switch {
	case ns == 0:
		return sys.Hold, 0
	case !p.busy:
		return sys.LetGo, ns
	case ns < 0 || ns > holdTime:
		ns = holdTime
	}
	return sys.Hold, ns
}

// came is told how many events came of a wait, and its error.
func (p *pace) came(how sys.Wait, events int, e syscall.Errno) {
	switch {
	case events >= busyEvents:
		p.busy = true
	case events == 0 && how == sys.Hold && e != syscall.EINTR:
		p.busy = false
	}
}
