package trace_test

import (
	"fmt"
	"os"
	"testing"

	"switchyard/internal/testenv"
	"switchyard/trace"
)

// TestEndedTasksGiveTheirPlacesBack: tasks that were made one after another and are gone leave
// nothing in the map of the traced tasks, in either depth. What is left there takes places from
// tasks to come.
func TestEndedTasksGiveTheirPlacesBack(t *testing.T) {
	t.Run("count", func(t *testing.T) {
		s := session(t, trace.Options{})
		h := start(t, "worker")
		if err := s.Follow(h.pid()); err != nil {
			t.Fatal(err)
		}
		placesComeBack(t, h, s.Traced)
	})
	t.Run("record", func(t *testing.T) {
		spool := spoolFile(t) // it is to be open longer than the recorder
		r := recorder(t, trace.RecordOptions{})
		h := start(t, "worker")
		if err := r.Follow(h.pid()); err != nil {
			t.Fatal(err)
		}
		if err := r.Start(spool); err != nil {
			t.Fatal(err)
		}
		placesComeBack(t, h, r.Traced)
	})
}

func placesComeBack(t *testing.T, h *helper, places func() (int, error)) {
	const made = 101
	h.do(t, "spawn", made)
	// The kernel frees a task when nobody can be looking at it any more (an RCU grace period), in
	// its own time.
	var traced, alive int
	testenv.Eventually(t, "there are as many places as tasks", func() bool {
		threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", h.pid()))
		if err != nil {
			t.Fatal(err)
		}
		alive = len(threads)
		if traced, err = places(); err != nil {
			t.Fatal(err)
		}
		return traced == alive
	}, func() string {
		return fmt.Sprintf("%d tasks have a place, and %d are alive, after %d that ended", traced,
			alive, made)
	})
}
