package run

import (
	"fmt"
	"io"
	"math"

	"switchyard/internal/parquet"
	"switchyard/trace/event"
)

// groupRows is how many events are in a row group: what a reader holds at once.
const groupRows = parquet.MaxGroupRows

// maxTasks bounds the numbers of tasks. Linux has at most 2²² at a time.
const maxTasks = 1 << 24

// maxCPU is the highest CPU number an event can carry.
const maxCPU = math.MaxUint16

// eventColumns are the columns of events.parquet. Encodings are chosen so that the table takes less
// than eight bytes a row: times are nearly sorted, names and numbers of tasks repeat, and what is
// left of the run time is noise of a few bits.
var eventColumns = [...]parquet.Column{
	eventTime: {Name: "time_ns", Physical: parquet.Int64s, Encoding: parquet.Delta},
	eventKind: {Name: "kind", Physical: parquet.Blobs, Encoding: parquet.Dictionary,
		Text: true, Words: kindNames[:]},
	eventCPU: {Name: "cpu", Physical: parquet.Int32s, Encoding: parquet.Dictionary},
	eventTask: {Name: "task", Physical: parquet.Int32s, Optional: true,
		Encoding: parquet.Dictionary},
	eventOther: {Name: "other", Physical: parquet.Int32s, Optional: true,
		Encoding: parquet.Dictionary},
	eventState: {Name: "state", Physical: parquet.Int32s, Optional: true,
		Encoding: parquet.Dictionary},
	eventFlags: {Name: "flags", Physical: parquet.Int32s, Encoding: parquet.Dictionary},
	eventPrio: {Name: "prio", Physical: parquet.Int32s, Optional: true,
		Encoding: parquet.Dictionary, Wide: true},
	eventOtherPrio: {Name: "other_prio", Physical: parquet.Int32s, Optional: true,
		Encoding: parquet.Dictionary, Wide: true},
	eventAtCPU: {Name: "at_cpu", Physical: parquet.Int32s, Optional: true,
		Encoding: parquet.Dictionary},
	eventSyscall: {Name: "syscall", Physical: parquet.Int64s, Optional: true,
		Encoding: parquet.Dictionary},
	eventResult: {Name: "result", Physical: parquet.Int64s, Optional: true,
		Encoding: parquet.Dictionary},
	eventNVCSWDiff:  {Name: "nvcsw_diff", Physical: parquet.Int32s, Encoding: parquet.Dictionary},
	eventNIVCSWDiff: {Name: "nivcsw_diff", Physical: parquet.Int32s, Encoding: parquet.Dictionary},
	// 0 is stored as NULL
	eventExecDiff: {Name: "exec_diff_ns", Physical: parquet.Int32s, Optional: true,
		Encoding: parquet.Delta},
}

// checkTask says why a number cannot be that of a task.
func checkTask(t event.TaskID) error {
	if t != event.NoTask && (t >= maxTasks || t < event.Idle(maxCPU)) {
		return fmt.Errorf("task %d is out of range", t)
	}
	return nil
}

// An eventEncoder turns events into rows.
type eventEncoder struct {
	table     *parquet.Writer
	predictor predictor
}

func newEventEncoder(to io.Writer) *eventEncoder {
	return &eventEncoder{table: parquet.NewWriter(to, "events", Schema, eventColumns[:], groupRows)}
}

// event appends an event. An error leaves half a row behind.
func (w *eventEncoder) event(e *event.Event) error {
	if int(e.Kind) >= len(kindNames) || kindNames[e.Kind] == "" {
		return fmt.Errorf("kind %d is not known", e.Kind)
	}
	has := kindHas[e.Kind]
	c := (*[len(eventColumns)]*parquet.ColumnWriter)(w.table.Columns)
	c[eventTime].Put(e.Time)
	c[eventKind].Put(int64(e.Kind))
	c[eventCPU].Put(int64(e.CPU))
	c[eventFlags].Put(int64(e.Flags))
	if err := checkTask(e.Task); err != nil {
		return err
	}
	c[eventTask].PutUnless(int64(event.NoTask), int64(e.Task))
	other := event.NoTask
	if has&hasOther != 0 {
		if err := checkTask(e.Other); err != nil {
			return err
		}
		other = e.Other
	}
	c[eventOther].PutUnless(int64(event.NoTask), int64(other))
	if has&hasPrio != 0 {
		c[eventPrio].Put(int64(e.Prio))
	} else {
		c[eventPrio].Null()
	}
	var nvcswDiff, nivcswDiff int16
	var execDiff int32
	if has&isSwitch != 0 {
		nvcsw, nivcsw, exec := w.predictor.expect(e.Task, e.Time, e.Flags)
		nvcswDiff, nivcswDiff, execDiff = int16(e.NVCSW-nvcsw), int16(e.NIVCSW-nivcsw),
			int32(uint32(e.Value)-exec)
		w.predictor.learn(e)
		c[eventState].Put(int64(e.State))
		c[eventOtherPrio].Put(int64(e.OtherPrio))
	} else {
		c[eventState].Null()
		c[eventOtherPrio].Null()
	}
	c[eventNVCSWDiff].Put(int64(nvcswDiff))
	c[eventNIVCSWDiff].Put(int64(nivcswDiff))
	c[eventExecDiff].PutUnless(0, int64(execDiff))
	if has&hasAtCPU != 0 {
		if e.Value < math.MinInt32 || e.Value > math.MaxInt32 {
			return fmt.Errorf("CPU %d is out of range", e.Value)
		}
		c[eventAtCPU].Put(e.Value)
	} else {
		c[eventAtCPU].Null()
	}
	if has&hasSyscall != 0 {
		c[eventSyscall].Put(e.Value)
	} else {
		c[eventSyscall].Null()
	}
	if has&hasResult != 0 {
		c[eventResult].Put(e.Value)
	} else {
		c[eventResult].Null()
	}
	return w.table.EndRow()
}

// Columns of events.parquet.
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
	tasks     int  // in the table
	anew      bool // each row group forgets what the ones before it said: schema1
	predictor predictor
	kinds     []event.Kind // by index into the texts of the column
	last      int64
	any       bool
	e         event.Event
}

// begin begins a row group. It fails when a kind of event in it is not known.
func (d *eventDecoder) begin(columns []parquet.Values) error {
	if d.anew {
		d.predictor.forget()
	}
	d.kinds = d.kinds[:0]
	for _, name := range columns[eventKind].Texts {
		k := kindNamed(name)
		if k == 0 {
			return fmt.Errorf("events of the kind %.40q", name)
		}
		d.kinds = append(d.kinds, k)
	}
	return nil
}

// event returns the event in a row of the group that was begun. Rows come in their order.
func (d *eventDecoder) event(columns []parquet.Values, row int) (*event.Event, error) {
	at := func(i int) int64 { return columns[i].Ints[row] }
	kind := d.kinds[at(eventKind)]
	has := kindHas[kind]
	d.e = event.Event{Time: at(eventTime), Kind: kind, Other: event.NoTask}
	e := &d.e
	if d.any && e.Time < d.last {
		return nil, fmt.Errorf("its time %d is before %d, that of the one before", e.Time, d.last)
	}
	d.any, d.last = true, e.Time
	var err error
	if e.Task, err = taskIn(&columns[eventTask], row, d.tasks); err != nil {
		return nil, err
	}
	cpu, flags := at(eventCPU), at(eventFlags)
	e.CPU, e.Flags = uint16(cpu), event.Flags(flags)
	inRange := int64(e.CPU) == cpu && int64(e.Flags) == flags
	if has&hasOther != 0 {
		if e.Other, err = taskIn(&columns[eventOther], row, d.tasks); err != nil {
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
