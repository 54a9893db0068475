package run

import (
	"fmt"
	"math"

	"switchyard/internal/sched"
)

// A snapshotRow is a row of snapshots.parquet.
type snapshotRow struct {
	End      string `parquet:"end,dict"` // of the window
	Time     int64  `parquet:"time_ns,delta"`
	Task     int32  `parquet:"task,delta"`
	CPU      int32  `parquet:"cpu,dict"`
	State    int32  `parquet:"state,dict"`
	Activity string `parquet:"activity,dict"`
	NVCSW    int64  `parquet:"nvcsw,delta"`
	NIVCSW   int64  `parquet:"nivcsw,delta"`
	Exec     int64  `parquet:"exec_ns,delta"`
	RunDelay *int64 `parquet:"run_delay_ns,optional,dict"`
}

// Columns of a snapshotRow.
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
	sched.Unknown:  "unknown",
	sched.OnCPU:    "on_cpu",
	sched.Runnable: "runnable",
	sched.Blocked:  "blocked",
}

func snapshotRows(rows []snapshotRow, end string, list []sched.Snapshot, tasks int) ([]snapshotRow, error) {
	for i := range list {
		s := &list[i]
		if err := knownTask(s.Task, tasks); err != nil || s.Task == sched.NoTask {
			return nil, fmt.Errorf("snapshot of task %d, which is not in the table of tasks", s.Task)
		}
		if int(s.Activity) >= len(activityNames) {
			return nil, fmt.Errorf("snapshot of task %d: activity %d is not known", s.Task, s.Activity)
		}
		if max(s.NVCSW, s.NIVCSW, s.Exec, s.RunDelay) > math.MaxInt64 {
			return nil, fmt.Errorf("snapshot of task %d: a counter is out of range", s.Task)
		}
		r := snapshotRow{End: end, Time: s.Time, Task: int32(s.Task), CPU: int32(s.CPU), State: int32(s.State),
			Activity: activityNames[s.Activity], NVCSW: int64(s.NVCSW), NIVCSW: int64(s.NIVCSW), Exec: int64(s.Exec)}
		if s.HasRunDelay {
			delay := int64(s.RunDelay)
			r.RunDelay = &delay
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// snapshotOf turns a row back into a snapshot of one end.
func snapshotOf(columns []column, row, tasks int) (end string, s sched.Snapshot, err error) {
	at := func(i int) int64 { return columns[i].ints[row] }
	task, err := columns[snapshotTask].task(row, tasks)
	if err != nil {
		return "", s, err
	}
	s = sched.Snapshot{Time: at(snapshotTime), Task: task, NVCSW: uint64(at(snapshotNVCSW)),
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
			s.Activity = sched.Activity(i)
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
