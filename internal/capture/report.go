package capture

import (
	"slices"

	"switchyard/internal/report"
	"switchyard/trace"
	"switchyard/trace/event"
)

// reportOf is what a window of count depth showed.
func reportOf(c *trace.Counts) *report.Trace {
	memory := int64(c.Cost.Memory)
	t := &report.Trace{
		Schema:     report.TraceSchema,
		Depth:      "count",
		WindowNS:   int64(c.Window),
		Total:      report.TaskOf(&c.Total.Totals),
		OtherTasks: c.OtherTasks,
		Values:     c.Values,
		Tasks:      []report.TraceTask{},
		Preemptors: []report.TracePair{},
		Wakers:     []report.TracePair{},
		Lost:       []event.Lost{},
		Missing: map[string]string{
			"preemptors and wakers": "count depth does not tell tasks from each other (--record does)",
		},
		Cost: report.TraceCost{AttachNS: (*int64)(&c.Cost.Attach), MemoryBytes: &memory},
	}
	for k, reason := range c.Missing {
		t.Missing[k] = reason
	}
	for _, p := range trace.Optional(trace.CountDepth) {
		for _, column := range p.Columns {
			if t.Missing[column.Name] == trace.NotAsked {
				t.Missing[column.Name] += " (--" + p.Option + ")"
			}
		}
	}
	t.SetThrottled(c.Throttled, c.Missing["throttled"])
	t.Total.Values = c.Total.Values
	t.Total.SetDistributions(&c.Distributions)
	for i := range c.Tasks {
		k := &c.Tasks[i]
		row := report.TaskOf(&k.Totals.Totals)
		row.TID, row.TGID, row.Name, row.Values = k.TID, k.TGID, k.Name, k.Values
		if k.RunQueueLatency != nil {
			row.RunQueueLatency = report.DurationsOf(k.RunQueueLatency)
			row.WakeupLatency = report.DurationsOf(k.WakeupLatency)
		} else if c.Missing["new_task_latencies"] == "" {
			t.Missing["latencies of some tasks"] = "count depth has room for those of the first " +
				"ones in the window (--record has for all)"
		}
		t.Tasks = append(t.Tasks, row)
	}
	t.Losses, t.Offline = c.Losses, c.Offline
	t.Checks = slices.Clone(c.Checks)
	for _, name := range []string{"ctxt", "run_delay", "cpu", "chain"} {
		t.Checks = append(t.Checks,
			event.Check{Name: name, Status: event.Unavailable,
				Reason: "count depth keeps no events (--record makes it)"})
	}
	s := c.Total.Switches
	t.Cost.Events = s.Total() + c.Total.Wakeups + c.Total.Migrations.Total
	for _, v := range c.Values {
		if v.Unit != "ns" && v.Unit != "bytes" { // a number of events
			t.Cost.Events += v.Count
		}
	}
	return t
}
