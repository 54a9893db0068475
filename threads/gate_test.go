package threads

import (
	"sync/atomic"
	"testing"
	"time"

	"switchyard/internal/sys"
	"switchyard/internal/testenv"
)

// A waiter goes on when the gate is opened, long before it would by itself.
func TestGate(t *testing.T) {
	testenv.Check(t)
	const rounds = 100
	var g gate
	var full atomic.Bool
	start := time.Now()
	for range rounds {
		full.Store(true)
		done := sys.Thread("sy-test", func() {
			for full.Load() {
				g.wait(full.Load)
			}
		})
		for g.waiting.Load() == 0 {
			time.Sleep(10 * time.Microsecond)
		}
		full.Store(false)
		g.open()
		<-done
	}
	if d := time.Since(start); d > rounds*pauseTime/2 {
		t.Errorf("%d rounds took %v: the gate's opening is not noticed", rounds, d)
	}
	g.wait(func() bool { return false }) // does not wait at all
	start = time.Now()
	g.wait(func() bool { return true })
	if d := time.Since(start); d < pauseTime/2 {
		t.Errorf("nobody opened the gate, and wait took %v", d)
	}
}
