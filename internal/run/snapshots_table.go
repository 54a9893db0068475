package run

import (
	"fmt"
	"math"

	"switchyard/trace/event"
)

// snapshotColumns are the columns of snapshots.parquet.
var snapshotColumns = [...]columnSpec{
	snapshotEnd:      {name: "end", physical: blobs, encoding: encodingDictionary, text: true, words: []string{endOpen, endClose}},
	snapshotTime:     {name: "time_ns", physical: int64s, encoding: encodingDelta},
	snapshotTask:     {name: "task", physical: int32s, encoding: encodingDelta},
	snapshotCPU:      {name: "cpu", physical: int32s, encoding: encodingDictionary},
	snapshotState:    {name: "state", physical: int32s, encoding: encodingDictionary},
	snapshotActivity: {name: "activity", physical: blobs, encoding: encodingDictionary, text: true, words: activityNames[:]},
	snapshotNVCSW:    {name: "nvcsw", physical: int64s, encoding: encodingDelta},
	snapshotNIVCSW:   {name: "nivcsw", physical: int64s, encoding: encodingDelta},
	snapshotExec:     {name: "exec_ns", physical: int64s, encoding: encodingDelta},
	snapshotRunDelay: {name: "run_delay_ns", physical: int64s, optional: true, encoding: encodingDictionary},
}

// Columns of snapshots.parquet.
const (
	snapshotEnd = iota
	snapshotTime
	snapshotTask
	snapshotCPU
	snapshotState
	snapshotActivity
	snapshotNVCSW
	snapshotNIVCSW
	snapshotExec
	snapshotRunDelay
)

// The ends of a window, by name.
const (
	endOpen  = "open"
	endClose = "close"
)

// activityNames are the values of the column activity. They are on disk: never rename one.
var activityNames = [...]string{
	event.Unknown:  "unknown",
	event.OnCPU:    "on_cpu",
	event.Runnable: "runnable",
	event.Blocked:  "blocked",
}

// writeSnapshots writes what was read at one end of the window as rows: end is its place among the words of the column.
func writeSnapshots(t *tableWriter, end int64, list []event.Snapshot, tasks int) error {
	for i := range list {
		s := &list[i]
		if err := knownTask(s.Task, tasks); err != nil || s.Task == event.NoTask {
			return fmt.Errorf("snapshot of task %d, which is not in the table of tasks", s.Task)
		}
		if int(s.Activity) >= len(activityNames) {
			return fmt.Errorf("snapshot of task %d: activity %d is not known", s.Task, s.Activity)
		}
		if max(s.NVCSW, s.NIVCSW, s.Exec, s.RunDelay) > math.MaxInt64 {
			return fmt.Errorf("snapshot of task %d: a counter is out of range", s.Task)
		}
		c := t.columns
		c[snapshotEnd].put(end)
		c[snapshotTime].put(s.Time)
		c[snapshotTask].put(int64(s.Task))
		c[snapshotCPU].put(int64(s.CPU))
		c[snapshotState].put(int64(s.State))
		c[snapshotActivity].put(int64(s.Activity))
		c[snapshotNVCSW].put(int64(s.NVCSW))
		c[snapshotNIVCSW].put(int64(s.NIVCSW))
		c[snapshotExec].put(int64(s.Exec))
		if s.HasRunDelay {
			c[snapshotRunDelay].put(int64(s.RunDelay))
		} else {
			c[snapshotRunDelay].null()
		}
		if err := t.endRow(); err != nil {
			return err
		}
	}
	return nil
}

// snapshotOf turns a row back into a snapshot of one end.
func snapshotOf(columns []column, row, tasks int) (end string, s event.Snapshot, err error) {
	at := func(i int) int64 { return columns[i].ints[row] }
	task, err := columns[snapshotTask].task(row, tasks)
	if err != nil {
		return "", s, err
	}
	s = event.Snapshot{Time: at(snapshotTime), Task: task, NVCSW: uint64(at(snapshotNVCSW)),
		NIVCSW: uint64(at(snapshotNIVCSW)), Exec: uint64(at(snapshotExec)), RunDelay: uint64(at(snapshotRunDelay)),
		HasRunDelay: !columns[snapshotRunDelay].null[row]}
	if min(at(snapshotNVCSW), at(snapshotNIVCSW), at(snapshotExec), at(snapshotRunDelay)) < 0 {
		return "", s, fmt.Errorf("a counter is negative")
	}
	cpu, state := at(snapshotCPU), at(snapshotState)
	if s.CPU, s.State = uint16(cpu), uint16(state); int64(s.CPU) != cpu || int64(s.State) != state {
		return "", s, fmt.Errorf("CPU %d or state %#x is out of range", cpu, state)
	}
	activity := columns[snapshotActivity].text(row)
	for i, name := range activityNames {
		if name == activity {
			s.Activity = event.Activity(i)
		}
	}
	if activityNames[s.Activity] != activity {
		return "", s, fmt.Errorf("activity %.40q is not known", activity)
	}
	end = columns[snapshotEnd].text(row)
	if end != endOpen && end != endClose {
		return "", s, fmt.Errorf("%.40q is no end of a window", end)
	}
	return end, s, nil
}
