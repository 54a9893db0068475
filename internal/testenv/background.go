package testenv

import (
	"testing"
	"time"
)

// A Background is what a test runs beside itself until it ends.
type Background struct {
	t     testing.TB
	done  chan struct{}
	err   error
	asked bool
}

// Start runs run in a goroutine of its own. At the end of the test stop is called, from which run
// must end; its error is then the test's, unless Wait has returned it.
func Start(t testing.TB, run func() error, stop func()) *Background {
	t.Helper()
	b := &Background{t: t, done: make(chan struct{})}
	go func() {
		defer close(b.done)
		b.err = run()
	}()
	t.Cleanup(func() {
		stop()
		if asked := b.asked; b.Wait() != nil && !asked {
			t.Error(b.err)
		}
	})
	return b
}

// Wait waits for the end, and returns what run returned.
func (b *Background) Wait() error {
	b.t.Helper()
	b.asked = true
	select {
	case <-b.done:
		return b.err
	case <-time.After(Patience):
		b.t.Fatalf("it does not end in %v", Patience)
		return nil
	}
}

// Ended is closed at the end.
func (b *Background) Ended() <-chan struct{} { return b.done }
