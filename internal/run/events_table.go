package run

import (
	"fmt"
	"math"

	"switchyard/internal/sched"
)

// groupRows is how many events are in a row group: what a reader holds at once.
const groupRows = 1 << 18

// maxTasks bounds the numbers of tasks. Linux has at most 2²² at a time.
const maxTasks = 1 << 24

// maxCPU is the highest CPU number an event can carry.
const maxCPU = math.MaxUint16

// An eventRow is a row of events.parquet. Encodings are chosen so that the table takes less than eight bytes a row: times
// are nearly sorted, names and numbers of tasks repeat, and what is left of the run time is noise of a few bits.
type eventRow struct {
	Time       int64  `parquet:"time_ns,delta"`
	Kind       string `parquet:"kind,dict"`
	CPU        int32  `parquet:"cpu,dict"`
	Task       *int32 `parquet:"task,optional,dict"`
	Other      *int32 `parquet:"other,optional,dict"`
	State      *int32 `parquet:"state,optional,dict"`
	Flags      int32  `parquet:"flags,dict"`
	Prio       *int32 `parquet:"prio,optional,dict"`
	OtherPrio  *int32 `parquet:"other_prio,optional,dict"`
	AtCPU      *int32 `parquet:"at_cpu,optional,dict"`
	Syscall    *int64 `parquet:"syscall,optional,dict"`
	Result     *int64 `parquet:"result,optional,dict"`
	NVCSWDiff  int32  `parquet:"nvcsw_diff,dict"`
	NIVCSWDiff int32  `parquet:"nivcsw_diff,dict"`
	ExecDiff   int32  `parquet:"exec_diff_ns,optional,delta"` // 0 is stored as NULL
}

// A cell holds what the pointers of an eventRow point to.
type cell struct {
	task, other, state, prio, otherPrio, atCPU int32
	value                                      int64
}

// checkTask says why a number cannot be that of a task.
func checkTask(t sched.TaskID) error {
	if t != sched.NoTask && (t >= maxTasks || t < sched.Idle(maxCPU)) {
		return fmt.Errorf("task %d is out of range", t)
	}
	return nil
}

// row turns an event into a row, whose pointers point into the cell. The event must come after all that the predictor
// has learned.
func (p *predictor) row(e *sched.Event, r *eventRow, c *cell) error {
	if int(e.Kind) >= len(kindNames) || kindNames[e.Kind] == "" {
		return fmt.Errorf("kind %d is not known", e.Kind)
	}
	has := kindHas[e.Kind]
	*r = eventRow{Time: e.Time, Kind: kindNames[e.Kind], CPU: int32(e.CPU), Flags: int32(e.Flags)}
	if err := checkTask(e.Task); err != nil {
		return err
	}
	if e.Task != sched.NoTask {
		c.task = int32(e.Task)
		r.Task = &c.task
	}
	if has&hasOther != 0 && e.Other != sched.NoTask {
		if err := checkTask(e.Other); err != nil {
			return err
		}
		c.other = int32(e.Other)
		r.Other = &c.other
	}
	if has&hasPrio != 0 {
		c.prio = int32(e.Prio)
		r.Prio = &c.prio
	}
	switch {
	case has&isSwitch != 0:
		c.state, c.otherPrio = int32(e.State), int32(e.OtherPrio)
		r.State, r.OtherPrio = &c.state, &c.otherPrio
		nvcsw, nivcsw, exec := p.expect(e.Task, e.Time, e.Flags)
		r.NVCSWDiff = int32(int16(e.NVCSW - nvcsw))
		r.NIVCSWDiff = int32(int16(e.NIVCSW - nivcsw))
		r.ExecDiff = int32(uint32(e.Value) - exec)
		p.learn(e)
	case has&hasAtCPU != 0:
		if e.Value < math.MinInt32 || e.Value > math.MaxInt32 {
			return fmt.Errorf("CPU %d is out of range", e.Value)
		}
		c.atCPU = int32(e.Value)
		r.AtCPU = &c.atCPU
	case has&hasSyscall != 0:
		c.value = e.Value
		r.Syscall = &c.value
	case has&hasResult != 0:
		c.value = e.Value
		r.Result = &c.value
	}
	return nil
}

// Columns of an eventRow.
const (
	eventTime = iota
	eventKind
	eventCPU
	eventTask
	eventOther
	eventState
	eventFlags
	eventPrio
	eventOtherPrio
	eventAtCPU
	eventSyscall
	eventResult
	eventNVCSWDiff
	eventNIVCSWDiff
	eventExecDiff
)

// An eventDecoder turns rows back into events.
type eventDecoder struct {
	tasks     int // in the table
	predictor predictor
	kinds     []sched.Kind // by index into the texts of the column
	last      int64
	any       bool
	e         sched.Event
}

// begin begins a row group. It fails when a kind of event in it is not known.
func (d *eventDecoder) begin(columns []column) error {
	d.predictor.forget()
	d.kinds = d.kinds[:0]
	for _, name := range columns[eventKind].texts {
		k := kindNamed(name)
		if k == 0 {
			return fmt.Errorf("events of the kind %.40q", name)
		}
		d.kinds = append(d.kinds, k)
	}
	return nil
}

// event returns the event in a row of the group that was begun. Rows come in their order.
func (d *eventDecoder) event(columns []column, row int) (*sched.Event, error) {
	at := func(i int) int64 { return columns[i].ints[row] }
	kind := d.kinds[at(eventKind)]
	has := kindHas[kind]
	d.e = sched.Event{Time: at(eventTime), Kind: kind, Other: sched.NoTask}
	e := &d.e
	if d.any && e.Time < d.last {
		return nil, fmt.Errorf("its time %d is before %d, that of the one before", e.Time, d.last)
	}
	d.any, d.last = true, e.Time
	var err error
	if e.Task, err = columns[eventTask].task(row, d.tasks); err != nil {
		return nil, err
	}
	cpu, flags := at(eventCPU), at(eventFlags)
	e.CPU, e.Flags = uint16(cpu), sched.Flags(flags)
	inRange := int64(e.CPU) == cpu && int64(e.Flags) == flags
	if has&hasOther != 0 {
		if e.Other, err = columns[eventOther].task(row, d.tasks); err != nil {
			return nil, err
		}
	}
	if has&hasPrio != 0 {
		prio := at(eventPrio)
		e.Prio = uint8(prio)
		inRange = inRange && int64(e.Prio) == prio
	}
	switch {
	case has&isSwitch != 0:
		state, prio := at(eventState), at(eventOtherPrio)
		e.State, e.OtherPrio = uint16(state), uint8(prio)
		inRange = inRange && int64(e.State) == state && int64(e.OtherPrio) == prio
		nvcsw, nivcsw, exec := d.predictor.expect(e.Task, e.Time, e.Flags)
		e.NVCSW = nvcsw + uint16(at(eventNVCSWDiff))
		e.NIVCSW = nivcsw + uint16(at(eventNIVCSWDiff))
		e.Value = int64(exec + uint32(at(eventExecDiff)))
		d.predictor.learn(e)
	case has&hasAtCPU != 0:
		e.Value = at(eventAtCPU)
	case has&hasSyscall != 0:
		e.Value = at(eventSyscall)
	case has&hasResult != 0:
		e.Value = at(eventResult)
	}
	if !inRange {
		return nil, fmt.Errorf("a %s with a value out of range", kindNames[kind])
	}
	return e, nil
}
