package main

import (
	"testing"

	"switchyard/trace/event"
)

// A task of which neither number nor name is known is told from others.
func TestTaskName(t *testing.T) {
	tasks := []event.Task{{TID: 7, Name: "named"}, {TID: 8}, {Name: "outside"}, {}, {}}
	for _, c := range []struct {
		id        event.TaskID
		interrupt event.Flags
		name      string
		tid       int
	}{
		{0, 0, "named", 7},
		{0, event.FlagSoftIRQ, "(softirq)", 0},
		{1, 0, "", 8},
		{2, 0, "outside", 0},
		{3, 0, "(task #3)", 0},
		{4, 0, "(task #4)", 0},
		{5, 0, "(task #5)", 0}, // not in the table
		{event.Idle(1), 0, "idle/1", 0},
		{event.NoTask, 0, "(others)", 0},
	} {
		if name, tid := taskName(c.id, c.interrupt, tasks); name != c.name || tid != c.tid {
			t.Errorf("task %d, interrupt %x: %q and %d, want %q and %d", c.id, c.interrupt, name, tid, c.name, c.tid)
		}
	}
}
