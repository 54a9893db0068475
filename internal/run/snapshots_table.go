package run

import (
	"fmt"
	"math"

	"switchyard/internal/parquet"
	"switchyard/trace/event"
)

// snapshotColumns are the columns of snapshots.parquet.
var snapshotColumns = [...]parquet.Column{
	snapshotEnd: {Name: "end", Physical: parquet.Blobs, Encoding: parquet.Dictionary,
		Text: true, Words: []string{endOpen, endClose, endLast}},
	snapshotTime:  {Name: "time_ns", Physical: parquet.Int64s, Encoding: parquet.Delta},
	snapshotTask:  {Name: "task", Physical: parquet.Int32s, Encoding: parquet.Delta},
	snapshotCPU:   {Name: "cpu", Physical: parquet.Int32s, Encoding: parquet.Dictionary},
	snapshotState: {Name: "state", Physical: parquet.Int32s, Encoding: parquet.Dictionary},
	snapshotActivity: {Name: "activity", Physical: parquet.Blobs, Encoding: parquet.Dictionary,
		Text: true, Words: activityNames[:]},
	snapshotNVCSW:  {Name: "nvcsw", Physical: parquet.Int64s, Encoding: parquet.Delta},
	snapshotNIVCSW: {Name: "nivcsw", Physical: parquet.Int64s, Encoding: parquet.Delta},
	snapshotExec:   {Name: "exec_ns", Physical: parquet.Int64s, Encoding: parquet.Delta},
	snapshotRunDelay: {Name: "run_delay_ns", Physical: parquet.Int64s, Optional: true,
		Encoding: parquet.Dictionary},
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

// The ends of a window, and of a task in it, by name. They are on disk: never rename one.
const (
	endOpen  = "open"
	endClose = "close"
	endLast  = "last" // the task's last switch
)

// activityNames are the values of the column activity. They are on disk: never rename one.
var activityNames = [...]string{
	event.Unknown:  "unknown",
	event.OnCPU:    "on_cpu",
	event.Runnable: "runnable",
	event.Blocked:  "blocked",
}

// writeSnapshots writes what was read at one end as rows: end is its place among the words of the
// column.
func writeSnapshots(t *parquet.Writer, end int64, list []event.Snapshot, tasks int) error {
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
		c := t.Columns
		c[snapshotEnd].Put(end)
		c[snapshotTime].Put(s.Time)
		c[snapshotTask].Put(int64(s.Task))
		c[snapshotCPU].Put(int64(s.CPU))
		c[snapshotState].Put(int64(s.State))
		c[snapshotActivity].Put(int64(s.Activity))
		c[snapshotNVCSW].Put(int64(s.NVCSW))
		c[snapshotNIVCSW].Put(int64(s.NIVCSW))
		c[snapshotExec].Put(int64(s.Exec))
		if s.HasRunDelay {
			c[snapshotRunDelay].Put(int64(s.RunDelay))
		} else {
			c[snapshotRunDelay].Null()
		}
		if err := t.EndRow(); err != nil {
			return err
		}
	}
	return nil
}

// snapshotOf turns a row back into a snapshot of one end.
func snapshotOf(columns []parquet.Values, row, tasks int) (end string, s event.Snapshot,
	err error) {
	at := func(i int) int64 { return columns[i].Ints[row] }
	task, err := taskIn(&columns[snapshotTask], row, tasks)
	if err != nil {
		return "", s, err
	}
	s = event.Snapshot{Time: at(snapshotTime), Task: task, NVCSW: uint64(at(snapshotNVCSW)),
		NIVCSW: uint64(at(snapshotNIVCSW)), Exec: uint64(at(snapshotExec)),
		RunDelay:    uint64(at(snapshotRunDelay)),
		HasRunDelay: !columns[snapshotRunDelay].Null[row]}
	if min(at(snapshotNVCSW), at(snapshotNIVCSW), at(snapshotExec), at(snapshotRunDelay)) < 0 {
		return "", s, fmt.Errorf("a counter is negative")
	}
	cpu, state := at(snapshotCPU), at(snapshotState)
	if s.CPU, s.State = uint16(cpu), uint16(state); int64(s.CPU) != cpu || int64(s.State) != state {
		return "", s, fmt.Errorf("CPU %d or state %#x is out of range", cpu, state)
	}
	activity := columns[snapshotActivity].Text(row)
	for i, name := range activityNames {
		if name == activity {
			s.Activity = event.Activity(i)
		}
	}
	if activityNames[s.Activity] != activity {
		return "", s, fmt.Errorf("activity %.40q is not known", activity)
	}
	end = columns[snapshotEnd].Text(row)
	if end != endOpen && end != endClose && end != endLast {
		return "", s, fmt.Errorf("%.40q is no end of a window or of a task", end)
	}
	return end, s, nil
}
