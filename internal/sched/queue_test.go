package sched

import (
	"testing"

	"switchyard/trace/event"
)

// Somebody else's task that was runnable when the window opened is in the walk, and no event of a
// recording that is not about it says when it ran: it is in no queue.
func TestStrangersAreNotInTheQueue(t *testing.T) {
	table := []event.Task{{TID: 1, Name: "ours", Traced: true}, {TID: 2, Name: "stranger"}}
	start := []event.Snapshot{
		{Task: 0, Activity: event.Blocked, Time: 900},
		{Task: 1, Activity: event.Runnable, Time: 900},
	}
	for _, all := range []bool{false, true} {
		w := event.Window{Open: 1000, Close: 2000}
		r := analyse(w, Options{All: all, CPUs: 1}, table, start, nil, nil)
		waited := len(r.Queue.Time) > 1 && r.Queue.Time[1] > 0
		if waited != all {
			t.Errorf("all tasks: %v; time by how many waited: %s", all, nsList(r.Queue))
		}
	}
}
