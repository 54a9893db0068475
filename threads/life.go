package threads

import (
	"sync"
	"time"

	"switchyard"
)

// life is how far a server has come, as Serve and Close see it.
type life struct {
	mu      sync.Mutex // of what follows; never taken by a locked thread that serves
	serving bool       // Serve was called
	closed  bool       // Close was
	closing chan struct{}
}

func newLife() life { return life{closing: make(chan struct{})} }

// begin is an error when Serve is not to serve.
func (l *life) begin() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return switchyard.ErrServerClosed
	case l.serving:
		return switchyard.ErrServing
	}
	l.serving = true
	return nil
}

// close notes that Close was called, and reports whether it was for the first time. mu is held.
func (l *life) close() (first bool) {
	if l.closed {
		return false
	}
	l.closed = true
	close(l.closing)
	return true
}

// finish returns when wait does. When grace is over, or Close called, it calls cut, and again and
// again: a thread may have been on its way into a sleep.
func (l *life) finish(wait func(), grace time.Duration, cut func()) {
	done := make(chan struct{})
	go func() {
		wait()
		close(done)
	}()
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-done:
		return
	case <-timer.C:
	case <-l.closing:
	}
	for {
		cut()
		select {
		case <-done:
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// end is what Serve returns. mu is held.
func (l *life) end(err error) error {
	if err == nil && l.closed {
		return switchyard.ErrServerClosed
	}
	return err
}
