package report

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"switchyard/internal/run"
	"switchyard/internal/sched"
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
			t.Errorf("task %d, interrupt %x: %q and %d, want %q and %d",
				c.id, c.interrupt, name, tid, c.name, c.tid)
		}
	}
}

// What the analysis has found, the report has.
func TestOfRecording(t *testing.T) {
	tasks := []event.Task{{TID: 7, Name: "first"}, {TID: 8, Name: "second"}}
	r := &sched.Result{
		Window: event.Window{Open: 1000, Close: 5000},
		Chains: []sched.Chain{{
			Task: 1, At: 1500, Compound: 300, Links: []sched.Link{{Task: 0, Own: 200}},
		}},
		Hidden: 3, Appeared: 2, Disappeared: 1,
		CPUs:  []sched.CPU{{Number: 4, Queue: sched.Queue{Unknown: 17}}},
		Queue: sched.Queue{Unknown: 23},
		Waste: sched.Waste{Count: 1, Time: 50, Longest: 50},
	}
	r.Waste.Lengths.Add(50)
	r.Tracer.OnCPU, r.Tracer.Switches.Voluntary = 99, 5
	r.Total.Inferred, r.Total.UnseenSwitches, r.Total.UnseenWakings = 31, 2, 3
	got := OfRecording(r, tasks, &run.Manifest{}, nil)
	want := []TraceChain{{
		Name: "second", TID: 8, AtNS: 500, CompoundNS: 300, OwnNS: 100,
		Links: []TraceLink{{Name: "first", TID: 7, OwnNS: 200}},
	}}
	if !reflect.DeepEqual(got.Chains, want) {
		t.Errorf("chains %+v, want %+v", got.Chains, want)
	}
	if *got.Hidden != 3 || *got.Appeared != 2 || *got.Disappeared != 1 {
		t.Errorf("hidden %d, appeared %d, disappeared %d",
			*got.Hidden, *got.Appeared, *got.Disappeared)
	}
	if got.Tracer.OnCPU != 99 || got.Tracer.Switches.Voluntary != 5 {
		t.Errorf("tracer %+v", got.Tracer)
	}
	if k := got.Total.Fine; k.InferredNS != 31 || k.UnseenSwitches != 2 || k.UnseenWakings != 3 {
		t.Errorf("total %+v", k)
	}
	var b strings.Builder
	if err := got.WriteText(&b, 200); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"first 7 200ns > second 8 100ns", "made in the window: 2",
		"3 tasks that the kernel keeps", "2 switches into these tasks and 3 of their wakings"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	q := got.RunQueue
	if q.UnknownNS != 23 || got.CPUs[0].Queue.Unknown != 17 || q.ViolationLengths.N != 1 {
		t.Errorf("queue %+v, of a CPU %+v", q, got.CPUs[0])
	}
	// What could not be measured is said to be so.
	r.Waste = sched.Waste{Reason: "the moon"}
	got = OfRecording(r, tasks, &run.Manifest{}, nil)
	if !strings.Contains(fmt.Sprint(got.Missing), "the moon") {
		t.Errorf("missing: %v", got.Missing)
	}
}
