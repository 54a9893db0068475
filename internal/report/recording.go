package report

import (
	"cmp"
	"fmt"
	"slices"

	"switchyard/internal/run"
	"switchyard/internal/sched"
	"switchyard/trace/event"
)

// OfRecording is what a recording showed: the analysis of its events, its table of tasks, its
// manifest, and what else was counted in it.
func OfRecording(r *sched.Result, table []event.Task, m *run.Manifest,
	values event.Values) *Trace {
	o := &m.Options
	t := &Trace{
		Schema:     TraceSchema,
		Depth:      "record",
		Of:         o.Of,
		Host:       Host{Host: m.Host},
		WindowNS:   r.Window.Close - r.Window.Open,
		Total:      recordTask(&r.Total.Totals, &r.Total.Distributions),
		Tasks:      []TraceTask{},
		Preemptors: []TracePair{},
		Wakers:     []TracePair{},
		Lost:       []event.Lost{},
		Values:     values,
		Missing:    map[string]string{},
		Warnings:   slices.Clone(m.Warnings),
	}
	for i := range r.Tasks {
		k := &r.Tasks[i]
		if k.Life == 0 {
			continue // it was not there in the window
		}
		row := recordTask(&k.Totals, &k.Distributions)
		row.Name, row.TID = taskName(k.ID, 0, table)
		row.TGID = k.TGID
		t.Tasks = append(t.Tasks, row)
	}
	slices.SortStableFunc(t.Tasks, func(a, b TraceTask) int {
		return cmp.Compare(b.OnCPU, a.OnCPU)
	})
	tracer := recordTask(&r.Tracer, &sched.Distributions{})
	t.Tracer = &tracer
	t.Appeared, t.Disappeared, t.Hidden = &r.Appeared, &r.Disappeared, &r.Hidden
	t.Chains = chainsOf(r, table)
	t.Preemptors = pairsOf(r.Preemptors, table)
	t.Wakers = pairsOf(r.Wakers, table)
	t.CPUs = r.CPUs
	t.RunQueue = queueOf(r)
	t.Lost = append(t.Lost, r.Lost...)
	t.Offline = r.Offline
	if o.NoHotplug != "" {
		t.Missing["CPUs that went offline"] = o.NoHotplug
	}
	t.Checks = r.Checks
	if t.SwitchCost = recordedSwitchCost(o); t.SwitchCost == nil {
		t.Missing["cost of a switch"] = "not asked for (--switch-cost)"
	}
	t.SetThrottled(o.Throttled, o.ThrottledWhy)
	if r.Waste.Reason != "" {
		t.Missing["tasks that waited while a CPU idled"] = r.Waste.Reason
	}
	if !o.Syscalls {
		t.Missing["syscalls"] = "not asked for (--syscalls)"
	}
	p := &m.Probe
	t.Cost = TraceCost{
		Events: p.Events, BytesPerEvent: p.BytesPerEvent, NSPerEvent: p.NsPerEvent,
		How: p.Calibrated, ReaderCPUNS: p.ReaderCPU, AttachNS: p.Attach, MemoryBytes: p.Memory,
	}
	if p.NsPerEvent == nil {
		t.Missing["cost of an event"] = p.Calibrated
	}
	disk := m.Tables.Events.Bytes + m.Tables.Tasks.Bytes + m.Tables.Snapshots.Bytes +
		m.Tables.Lost.Bytes
	t.Cost.DiskBytes = &disk
	if n := m.Tables.Events.Rows; n > 0 {
		per := float64(disk) / float64(n)
		t.Cost.DiskPerEvent = &per
	}
	for what, n := range map[string]uint64{
		"events came out of order":                 r.Disordered,
		"events name more tasks than there can be": r.Refused,
		"events cannot be":                         r.Strange,
	} {
		if n > 0 {
			t.Warnings = append(t.Warnings, fmt.Sprintf("%d %s.", n, what))
		}
	}
	slices.Sort(t.Warnings)
	return t
}

// TaskOf is what a report has of what a task did, or several together: what both depths tell.
func TaskOf(k *event.Totals) TraceTask {
	return TraceTask{Times: k.Times, Wakings: k.Wakings, Migrations: k.Migrations.Total,
		Switches: k.Switches, Lives: k.Lives, Censored: k.Censored.Count}
}

// SetDistributions sums distributions up.
func (t *TraceTask) SetDistributions(d *event.Distributions) {
	t.WakeupLatency = DurationsOf(&d.WakeupLatency)
	t.RunQueueLatency = DurationsOf(&d.RunQueueLatency)
	t.OnCPUSpan = DurationsOf(&d.OnCPUSpan)
	t.BlockedTime = DurationsOf(&d.BlockedTime)
}

func recordTask(k *sched.Totals, d *sched.Distributions) TraceTask {
	t := TaskOf(&k.Totals)
	t.SetDistributions(&d.Distributions)
	t.CompoundDelay = DurationsOf(&d.CompoundDelay)
	t.Lossy = k.Touched.Count > 0
	t.Fine = &TraceFine{
		InferredNS: int64(k.Inferred), CensoredNS: int64(k.Censored.Time),
		Touched: k.Touched.Count, TouchedNS: int64(k.Touched.Time),
		Unseen: k.Unseen, EarlyWakeups: k.EarlyWakeups,
		NegativeIntervals: k.NegativeIntervals, ForkedAway: k.Migrations.ForkedAway,
	}
	causes := map[string]uint64{
		"at wake-up": k.Migrations.AtWakeup, "at fork": k.Migrations.AtFork,
		"at exec": k.Migrations.AtExec, "balancing": k.Migrations.Balancing,
		"forced": k.Migrations.Forced,
	}
	for cause, n := range causes {
		if n > 0 {
			if t.MigrationCauses == nil {
				t.MigrationCauses = make(map[string]uint64)
			}
			t.MigrationCauses[cause] = n
		}
	}
	return t
}

// chainsOf names the tasks of the chains.
func chainsOf(r *sched.Result, tasks []event.Task) []TraceChain {
	out := []TraceChain{}
	for _, c := range r.Chains {
		x := TraceChain{
			AtNS: c.At - r.Window.Open, CompoundNS: int64(c.Compound), Links: []TraceLink{},
		}
		x.Name, x.TID = taskName(c.Task, 0, tasks)
		x.OwnNS = x.CompoundNS
		for _, l := range c.Links {
			k := TraceLink{OwnNS: int64(l.Own)}
			k.Name, k.TID = taskName(l.Task, 0, tasks)
			x.OwnNS -= k.OwnNS
			x.Links = append(x.Links, k)
		}
		out = append(out, x)
	}
	return out
}

func pairsOf(pairs []sched.Pair, tasks []event.Task) []TracePair {
	out := []TracePair{}
	for _, p := range pairs {
		x := TracePair{Count: p.Count, NS: int64(p.Time)}
		x.By, x.ByTID = taskName(p.By, p.Interrupt, tasks)
		x.Of, x.OfTID = taskName(p.Of, 0, tasks)
		out = append(out, x)
	}
	return out
}

// taskName is what a task, or an interrupt, is called in a
func taskName(id event.TaskID, interrupt event.Flags, tasks []event.Task) (string, int) {
	switch {
	case interrupt&event.FlagHardIRQ != 0:
		return "(interrupt)", 0
	case interrupt&event.FlagSoftIRQ != 0:
		return "(softirq)", 0
	case interrupt&event.FlagNMI != 0:
		return "(NMI)", 0
	case id == event.NoTask:
		return "(others)", 0
	case id.Idle():
		return fmt.Sprintf("idle/%d", -int(id)-1), 0
	}
	// Of a task outside of the recorder's PID namespace there is neither, if it was there before
	// the recording.
	if int(id) < len(tasks) && (tasks[id].Name != "" || tasks[id].TID != 0) {
		return tasks[id].Name, tasks[id].TID
	}
	return fmt.Sprintf("(task #%d)", id), 0
}

func queueOf(r *sched.Result) *TraceQueue {
	q := &TraceQueue{
		Mean: r.Queue.Mean, Max: r.Queue.Max, ShareByLength: []float64{},
		UnknownNS: int64(r.Queue.Unknown),
	}
	var whole float64
	for _, d := range r.Queue.Time {
		whole += float64(d)
	}
	for _, d := range r.Queue.Time {
		if whole > 0 {
			q.ShareByLength = append(q.ShareByLength, float64(d)/whole)
		}
	}
	if r.Waste.Reason == "" {
		q.ViolationCount = r.Waste.Count
		q.ViolationNS = int64(r.Waste.Time)
		q.ViolationMaxNS = int64(r.Waste.Longest)
		q.ViolationLengths = DurationsOf(&r.Waste.Lengths)
	}
	return q
}
