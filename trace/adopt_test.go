package trace_test

import (
	"fmt"
	"testing"
	"time"

	"switchyard/trace"
)

// TestAdoptSwitching follows tasks that switch all the time, so that many are in the middle of a switch just then: what each
// does must be known from the first.
func TestAdoptSwitching(t *testing.T) {
	s := session(t, trace.Options{})
	h := start(t, "ping", "1000000000")
	t.Cleanup(func() { h.cmd.Process.Kill() })
	fmt.Fprintln(h.in)
	n := 0
	for range 251 {
		if err := s.Follow(h.pid()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
		unknown, tasks, err := s.Unknown()
		if err != nil {
			t.Fatal(err)
		}
		if tasks < 2 {
			t.Fatalf("%d tasks are followed, want ping and pong at least", tasks)
		}
		if unknown > 0 {
			n++
		}
		if err := s.Forget(); err != nil {
			t.Fatal(err)
		}
	}
	if n > 0 {
		t.Errorf("%d times of 251 it was not known what a task did", n)
	}
}
