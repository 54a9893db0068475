package threads

import (
	"sync/atomic"
	"testing"
	"time"

	"switchyard"
	"switchyard/internal/sys"
	"switchyard/internal/testenv"
)

// A waiter goes on when the gate is opened, long before it would by itself.
func TestGate(t *testing.T) {
	testenv.Check(t)
	const rounds = 100
	var g gate
	var full atomic.Bool
	quick := 0
	for range rounds {
		full.Store(true)
		done := sys.Thread("sy-test", func() {
			for full.Load() {
				g.wait(full.Load)
			}
		})
		testenv.Eventually(t, "it waits", func() bool { return g.waiting.Load() > 0 })
		full.Store(false)
		start := time.Now()
		g.open()
		<-done
		if time.Since(start) < switchyard.Pause/2 {
			quick++
		}
	}
	// A waiter that does not notice goes on when its pause is over. On a busy machine one that does
	// may wait as long for a processor, but not most.
	if quick < rounds/2 {
		t.Errorf("%d of %d waiters went on at once: the gate's opening is not noticed",
			quick, rounds)
	}
	g.wait(func() bool { return false }) // does not wait at all
	start := time.Now()
	g.wait(func() bool { return true })
	if d := time.Since(start); d < switchyard.Pause/2 {
		t.Errorf("nobody opened the gate, and wait took %v", d)
	}
}
