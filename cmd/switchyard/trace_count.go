package main

import (
	"slices"
	"strings"

	"switchyard/internal/command"
	"switchyard/internal/report"
	"switchyard/trace"
	"switchyard/trace/event"
)

// traceCount traces in count depth.
func traceCount(env Env, o traceOptions, end *ending) (t *report.Trace, err error) {
	onThread(func() { t, err = countOn(env, o, end) })
	return t, err
}

func countOn(env Env, o traceOptions, end *ending) (*report.Trace, error) {
	costs, err := openSwitchCost(o.switchCost)
	if err != nil {
		return nil, err
	}
	defer costs.close()
	s, err := trace.Open(trace.Options{Probes: o.probes})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	var child *command.Command
	if len(o.command) > 0 {
		if child, err = command.Start(o.command); err != nil {
			return nil, err
		}
		defer child.End(end.hurried.Done())
	}
	t, failed := countWindow(o, end, s, costs, child)
	if t == nil {
		return nil, failed
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	var how string
	if t.Cost.NSPerEvent, how = perEvent(end.hurried, o.calibrate,
		trace.CostCount); t.Cost.NSPerEvent == nil {
		t.Missing["cost of an event"] = how
	}
	t.Cost.How = how
	return t, failed
}

// countWindow returns both a report and an error if the load was not put on, or the command has
// failed.
func countWindow(o traceOptions, end *ending, s *trace.Session, costs *switchCoster,
	child *command.Command) (*report.Trace, error) {
	warnings := o.notes
	if err := dropPrivilege(o.privileges()...); err != nil {
		warnings = append(warnings, warning(err))
	}
	if o.all {
		if err := s.FollowAll(); err != nil {
			return nil, err
		}
	} else if err := o.followAll(s, child); err != nil {
		return nil, err
	}
	var l traceLoad
	defer l.end()
	if child == nil {
		if err := l.start(end.asked, &o, nil); err != nil {
			return nil, err
		}
	}
	if end.asked.Err() != nil {
		return nil, errInterrupted
	}
	if err := s.Start(); err != nil {
		return nil, err
	}
	if err := costs.start(); err != nil {
		return nil, err
	}
	continued := end.continued.Load()
	err := o.window(end, child, &l, nil)
	end.close("")
	if err != nil {
		return nil, err
	}
	c, err := s.Stop()
	if err != nil {
		return nil, err
	}
	t := countReport(c)
	status, more := endCommand(child, end)
	warnings = append(warnings, more...)
	warnings = append(warnings, stoodStill(end.continued.Load()-continued)...)
	loaded, more := l.result()
	if t.Load, err = loadReport(loaded); err != nil {
		return nil, err
	}
	switches, err := costs.stop()
	if err != nil {
		return nil, err
	}
	t.SwitchCost = report.SwitchCostOf(switches)
	if t.SwitchCost == nil {
		t.Missing["cost of a switch"] = "not asked for (--switch-cost)"
	}
	t.Of, t.Host = o.of(), host()
	t.Warnings = append(warnings, more...)
	if l.failed != nil {
		return t, l.failed
	}
	return t, status.err()
}

// countReport is what a window of count depth showed.
func countReport(c *trace.Counts) *report.Trace {
	memory := int64(c.Cost.Memory)
	t := &report.Trace{
		Schema:     report.TraceSchema,
		Depth:      "count",
		WindowNS:   int64(c.Window),
		Total:      report.TaskOf(&c.Total.Totals),
		OtherTasks: c.OtherTasks,
		Syscalls:   c.Syscalls,
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
	t.SetThrottled(c.Throttled, c.Missing["throttled"])
	delete(t.Missing, "fault_exceptions")
	if _, missing := t.Missing["tlb_flushes"]; !missing {
		t.TLBFlushes, t.TLBKept = &c.TLBFlushes, &c.TLBKept
	}
	t.Total.RunQueueLatency = report.DurationsOf(&c.RunQueueLatency)
	t.Total.WakeupLatency = report.DurationsOf(&c.WakeupLatency)
	t.Total.OnCPUSpan = report.DurationsOf(&c.OnCPUSpan)
	t.Total.Blocked = report.DurationsOf(&c.BlockedTime)
	for i := range c.Tasks {
		k := &c.Tasks[i]
		row := report.TaskOf(&k.Totals.Totals)
		row.TID, row.TGID, row.Name = k.TID, k.TGID, k.Name
		if k.RunQueueLatency != nil {
			row.RunQueueLatency, row.WakeupLatency = report.DurationsOf(k.RunQueueLatency), report.DurationsOf(k.WakeupLatency)
		} else if c.Missing["new_task_latencies"] == "" {
			t.Missing["latencies of some tasks"] = "count depth has room for those of the first ones in the window (--record has for all)"
		}
		t.Tasks = append(t.Tasks, row)
	}
	t.Losses = c.Losses
	t.Checks = slices.Clone(c.Checks)
	for _, name := range []string{"ctxt", "run_delay", "cpu", "chain"} {
		t.Checks = append(t.Checks,
			event.Check{Name: name, Status: event.Unavailable,
				Reason: "count depth keeps no events (--record makes it)"})
	}
	s := c.Total.Switches
	t.Cost.Events = s.Total() + c.Total.Wakeups + c.Total.Migrations.Total + c.SyscallTotal()
	return t
}

// warning is an error that the user should know of and can live with, as a sentence.
func warning(err error) string {
	text := report.Words(err)
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
