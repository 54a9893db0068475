package run

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"switchyard/internal/sched"
)

// A taskRow is a row of tasks.parquet. The nth is that of task n.
type taskRow struct {
	Task    int32  `parquet:"task,delta"`
	TID     *int32 `parquet:"tid,optional,dict"`
	TGID    *int32 `parquet:"tgid,optional,dict"`
	Parent  *int32 `parquet:"parent,optional,dict"`
	Name    string `parquet:"name,dict"`
	RawName []byte `parquet:"name_bytes,optional,dict"` // only where Name is not all of it
	Started *int64 `parquet:"started_ns,optional,dict"`
	Ended   *int64 `parquet:"ended_ns,optional,dict"`
	Kernel  bool   `parquet:"kernel"`
	Traced  bool   `parquet:"traced"`
	Tracer  bool   `parquet:"tracer"`
	Early   bool   `parquet:"early"`
}

// Columns of a taskRow.
const (
	taskTask = iota
	taskTID
	taskTGID
	taskParent
	taskName
	taskRawName
	taskStarted
	taskEnded
	taskKernel
	taskTraced
	taskTracer
	taskEarly
)

// maxName bounds a name, in bytes. The kernel has 15, and for its own threads a few more.
const maxName = 63

// taskRows turns tasks into rows. ended has the time of a task's Exit, as far as it goes, or 0.
func taskRows(tasks []sched.Task, ended []int64) ([]taskRow, error) {
	if len(tasks) > maxTasks {
		return nil, fmt.Errorf("%d tasks are more than a table can have (%d)", len(tasks), maxTasks)
	}
	rows := make([]taskRow, len(tasks))
	for i := range tasks {
		t := &tasks[i]
		if t.TID < 0 || t.TID > math.MaxInt32 || t.TGID < 0 || t.TGID > math.MaxInt32 {
			return nil, fmt.Errorf("task %d: TID %d of process %d is out of range", i, t.TID, t.TGID)
		}
		if err := knownTask(t.Parent, len(tasks)); err != nil {
			return nil, fmt.Errorf("parent of task %d: %w", i, err)
		}
		r := &rows[i]
		*r = taskRow{Task: int32(i), TID: unlessZero(int32(t.TID)), TGID: unlessZero(int32(t.TGID)), Parent: taskOrNull(t.Parent),
			Started: unlessZero(t.Started), Kernel: t.Kernel, Traced: t.Traced, Tracer: t.Tracer, Early: t.Early}
		name := t.Name[:min(len(t.Name), maxName)]
		// Other programs refuse a table in which text is not UTF-8, and some end theirs at a zero.
		if r.Name = strings.ReplaceAll(strings.ToValidUTF8(name, "\uFFFD"), "\x00", "\uFFFD"); r.Name != name {
			r.RawName = []byte(name)
		}
		if i < len(ended) {
			r.Ended = unlessZero(ended[i])
		}
	}
	return rows, nil
}

// tasksOf turns rows back into tasks, of which the first is task number first.
func tasksOf(tasks []sched.Task, columns []column, rows, total int) ([]sched.Task, error) {
	for i := range rows {
		if columns[taskTask].ints[i] != int64(len(tasks)) {
			return nil, fmt.Errorf("the row of task %d is that of task %d", len(tasks), columns[taskTask].ints[i])
		}
		parent, err := columns[taskParent].task(i, total)
		if err != nil {
			return nil, fmt.Errorf("parent of task %d: %w", len(tasks), err)
		}
		t := sched.Task{
			TID: int(columns[taskTID].ints[i]), TGID: int(columns[taskTGID].ints[i]),
			Parent:  parent,
			Name:    columns[taskName].text(i),
			Started: columns[taskStarted].ints[i],
			Kernel:  columns[taskKernel].ints[i] != 0, Traced: columns[taskTraced].ints[i] != 0,
			Tracer: columns[taskTracer].ints[i] != 0, Early: columns[taskEarly].ints[i] != 0,
		}
		if !columns[taskRawName].null[i] {
			t.Name = columns[taskRawName].text(i)
		}
		if t.TID < 0 || t.TGID < 0 {
			return nil, fmt.Errorf("task %d: TID %d of process %d is out of range", len(tasks), t.TID, t.TGID)
		}
		if len(t.Name) > maxName || !utf8.ValidString(t.Name) && columns[taskRawName].null[i] {
			return nil, fmt.Errorf("the name of task %d is not text", len(tasks))
		}
		tasks = append(tasks, t)
	}
	return tasks, nil
}

// knownTask says why a number cannot be that of a task in a table of so many.
func knownTask(t sched.TaskID, tasks int) error {
	if t != sched.NoTask && (int64(t) >= int64(tasks) || t < sched.Idle(maxCPU)) {
		return fmt.Errorf("task %d is not in the table of tasks, which has %d", t, tasks)
	}
	return nil
}

// task returns the task in a row, NULL being NoTask.
func (c *column) task(row, tasks int) (sched.TaskID, error) {
	if c.null != nil && c.null[row] {
		return sched.NoTask, nil
	}
	t := sched.TaskID(c.ints[row])
	if t == sched.NoTask {
		return 0, fmt.Errorf("task %d is out of range", t)
	}
	return t, knownTask(t, tasks)
}

// text returns the text in a row, "" where it is NULL.
func (c *column) text(row int) string {
	if c.null != nil && c.null[row] {
		return ""
	}
	return c.texts[c.ints[row]]
}

func taskOrNull(t sched.TaskID) *int32 {
	if t == sched.NoTask {
		return nil
	}
	return (*int32)(&t)
}

// unlessZero returns NULL for a value that stands for one that is not known.
func unlessZero[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
