package trace_test

import (
	"fmt"
	"slices"
	"testing"

	"switchyard/trace"
)

// TestExecInThread: when a thread that is not the leader starts a program, the thread gets the
// program's name, and the leader, which ends then, keeps its own.
func TestExecInThread(t *testing.T) {
	for _, all := range []bool{false, true} {
		t.Run(fmt.Sprintf("all=%v", all), func(t *testing.T) {
			r := recorder(t, trace.RecordOptions{All: all})
			h := start(t, "worker")
			if !all {
				if err := r.Follow(h.pid()); err != nil {
					t.Fatal(err)
				}
			}
			var process, thread, successor int
			p := record(t, r, func() {
				answer := h.do(t, "exec")
				if _, err := fmt.Sscan(answer, &process, &thread, &successor); err != nil {
					t.Fatalf("%v: %s", err, answer)
				}
			})
			// The thread has the leader's start from then on, and nobody else's is earlier.
			var names []string
			first := int64(0)
			for _, task := range p.Tasks() {
				if task.TGID != process || first > 0 && task.Started > first {
					continue
				}
				if task.Started != first {
					first, names = task.Started, nil
				}
				names = append(names, task.Name)
			}
			slices.Sort(names)
			if !slices.Equal(names, []string{"predecessor", "successor"}) {
				t.Errorf("leader and thread of process %d are %q", process, names)
			}
		})
	}
}
