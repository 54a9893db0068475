package threads

import (
	"math"
	"sync/atomic"
	"time"

	"switchyard/internal/sys"
)

// pauseTime is how long accepting pauses at a limit before it is tried again,
// unless a connection closes first: another process may have given back what
// was lacking.
const pauseTime = 50 * time.Millisecond

// gate is where threads that accept wait while the server is at a limit.
// Waiters block in the kernel; opening it makes no system call when nobody
// waits. The zero value is ready.
type gate struct {
	sequence atomic.Uint32
	waiting  atomic.Int32
}

// wait blocks while full says so, until the gate is opened, but no longer than
// pauseTime.
func (g *gate) wait(full func() bool) {
	g.waiting.Add(1)
	defer g.waiting.Add(-1)
	s := g.sequence.Load()
	// Whoever makes room does so before it looks whether anyone waits: either
	// it is seen here, or it sees this waiter.
	if full() {
		sys.FutexWaitFor(&g.sequence, s, false, int64(pauseTime))
	}
}

// open wakes every waiter.
func (g *gate) open() {
	if g.waiting.Load() > 0 {
		g.sequence.Add(1)
		sys.FutexWake(&g.sequence, math.MaxInt32, false)
	}
}
