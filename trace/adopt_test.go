package trace_test

import (
	"fmt"
	"testing"

	"switchyard/trace"
)

// TestAdoptSwitching follows tasks that do nothing but switch, so that one of them is often in the
// middle of a switch just then: what each does must be known from the first.
func TestAdoptSwitching(t *testing.T) {
	const times = 101
	s := session(t, trace.Options{})
	h := start(t, "ping", "1009")
	n := 0
	for range times {
		fmt.Fprintln(h.in)
		if err := s.Follow(h.pid()); err != nil {
			t.Fatal(err)
		}
		h.answer(t) // they have come to a CPU since
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
		t.Errorf("%d times of %d it was not known what a task did", n, times)
	}
}
