package run

import "switchyard/trace/event"

// A predictor says what the counters of a switch will be, from the events before it. The table
// keeps only how far they are from that, which is nothing for a complete recording and noise of
// some tens of nanoseconds for the run time: the counters themselves would take a third of the
// table. Writer and Reader learn from the same events, all that came before: to begin anew with
// each row group, as schema1 did, costs a quarter of a byte an event where there are thousands of
// tasks.
type predictor struct {
	group int32      // of schema1
	tasks []counters // by task
	idle  []counters // by CPU
}

type counters struct {
	group         int32 // in which the rest was learned
	nvcsw, nivcsw uint16
	exec          uint32
	running       bool
	since         int64
}

// forget begins a row group of schema1. It takes no longer with many tasks: a hostile table has
// many groups.
func (p *predictor) forget() { p.group++ }

// counters returns what is known of a task, nil for one that cannot be told from others.
func (p *predictor) counters(t event.TaskID) *counters {
	if t == event.NoTask {
		return nil
	}
	list, i := &p.tasks, int(t)
	if t.Idle() {
		list, i = &p.idle, -int(t)-1
	}
	if i >= len(*list) {
		*list = append(*list, make([]counters, i+1-len(*list))...)
	}
	c := &(*list)[i]
	if c.group != p.group {
		*c = counters{group: p.group}
	}
	return c
}

// expect returns the counters that a Switch of this task, at this time and with these flags, should
// have.
func (p *predictor) expect(task event.TaskID, time int64, flags event.Flags) (nvcsw, nivcsw uint16,
	exec uint32) {
	c := p.counters(task)
	if c == nil {
		return 0, 0, 0
	}
	nvcsw, nivcsw, exec = c.nvcsw, c.nivcsw, c.exec
	if flags&event.FlagVoluntary != 0 {
		nvcsw++
	} else {
		nivcsw++ // that of the idle task too: kernel/sched/core.c, __schedule
	}
	if c.running && !task.Idle() { // whose time the kernel does not count
		exec += uint32(time - c.since)
	}
	return nvcsw, nivcsw, exec
}

// learn takes a Switch as it was.
func (p *predictor) learn(e *event.Event) {
	if c := p.counters(e.Task); c != nil {
		c.nvcsw, c.nivcsw, c.exec, c.running = e.NVCSW, e.NIVCSW, uint32(e.Value), false
	}
	if c := p.counters(e.Other); c != nil {
		c.running, c.since = true, e.Time
	}
}
