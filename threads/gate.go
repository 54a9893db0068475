package threads

import (
	"math"
	"sync/atomic"

	"switchyard"
	"switchyard/internal/sys"
)

// gate is where threads that accept wait while the server is at a limit. Waiters block in the
// kernel; opening it makes no system call when nobody waits. The zero value is ready.
type gate struct {
	sequence atomic.Uint32
	waiting  atomic.Int32
}

// wait blocks while full says so, until the gate is opened, but no longer than switchyard.Pause.
func (g *gate) wait(full func() bool) {
	g.waiting.Add(1)
	defer g.waiting.Add(-1)
	s := g.sequence.Load()
	// Whoever makes room does so before it looks whether anyone waits: either it is seen here, or
	// it sees this waiter.
	if full() {
		sys.FutexWaitFor(&g.sequence, s, false, int64(switchyard.Pause))
	}
}

// open wakes every waiter.
func (g *gate) open() {
	if g.waiting.Load() > 0 {
		g.sequence.Add(1)
		sys.FutexWake(&g.sequence, math.MaxInt32, false)
	}
}
