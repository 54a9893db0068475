package run

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"switchyard/internal/parquet"
	"switchyard/trace/event"
)

// taskColumns are the columns of tasks.parquet. The nth row is that of task n.
var taskColumns = [...]parquet.Column{
	taskTask: {Name: "task", Physical: parquet.Int32s, Encoding: parquet.Delta},
	taskTID: {Name: "tid", Physical: parquet.Int32s, Optional: true,
		Encoding: parquet.Dictionary},
	taskTGID: {Name: "tgid", Physical: parquet.Int32s, Optional: true,
		Encoding: parquet.Dictionary},
	taskParent: {Name: "parent", Physical: parquet.Int32s, Optional: true,
		Encoding: parquet.Dictionary},
	taskName: {Name: "name", Physical: parquet.Blobs, Encoding: parquet.Dictionary, Text: true},
	// only where name is not all of it
	taskRawName: {Name: "name_bytes", Physical: parquet.Blobs, Optional: true,
		Encoding: parquet.Dictionary},
	taskStarted: {Name: "started_ns", Physical: parquet.Int64s, Optional: true,
		Encoding: parquet.Dictionary},
	taskEnded: {Name: "ended_ns", Physical: parquet.Int64s, Optional: true,
		Encoding: parquet.Dictionary},
	taskKernel: {Name: "kernel", Physical: parquet.Booleans, Encoding: parquet.Plain},
	taskTraced: {Name: "traced", Physical: parquet.Booleans, Encoding: parquet.Plain},
	taskTracer: {Name: "tracer", Physical: parquet.Booleans, Encoding: parquet.Plain},
	taskEarly:  {Name: "early", Physical: parquet.Booleans, Encoding: parquet.Plain},
}

// Columns of tasks.parquet.
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

// writeTasks writes tasks as rows. ended has the time of a task's Exit, as far as it goes, or 0.
func writeTasks(t *parquet.Writer, tasks []event.Task, ended []int64) error {
	if len(tasks) > maxTasks {
		return fmt.Errorf("%d tasks are more than a table can have (%d)", len(tasks), maxTasks)
	}
	for i := range tasks {
		k := &tasks[i]
		if k.TID < 0 || k.TID > math.MaxInt32 || k.TGID < 0 || k.TGID > math.MaxInt32 {
			return fmt.Errorf("task %d: TID %d of process %d is out of range", i, k.TID, k.TGID)
		}
		if err := knownTask(k.Parent, len(tasks)); err != nil {
			return fmt.Errorf("parent of task %d: %w", i, err)
		}
		c := t.Columns
		c[taskTask].Put(int64(i))
		c[taskTID].PutUnless(0, int64(k.TID))
		c[taskTGID].PutUnless(0, int64(k.TGID))
		c[taskParent].PutUnless(int64(event.NoTask), int64(k.Parent))
		name := k.Name[:min(len(k.Name), maxName)]
		// Other programs refuse a table in which text is not UTF-8, and some end theirs at a zero.
		text := strings.ReplaceAll(strings.ToValidUTF8(name, "\uFFFD"), "\x00", "\uFFFD")
		c[taskName].PutText(text)
		if text != name {
			c[taskRawName].PutText(name)
		} else {
			c[taskRawName].Null()
		}
		c[taskStarted].PutUnless(0, k.Started)
		end := int64(0)
		if i < len(ended) {
			end = ended[i]
		}
		c[taskEnded].PutUnless(0, end)
		c[taskKernel].Put(truth(k.Kernel))
		c[taskTraced].Put(truth(k.Traced))
		c[taskTracer].Put(truth(k.Tracer))
		c[taskEarly].Put(truth(k.Early))
		if err := t.EndRow(); err != nil {
			return err
		}
	}
	return nil
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// tasksOf turns rows back into tasks, of which the first is task number first.
func tasksOf(tasks []event.Task, columns []parquet.Values, rows, total int) ([]event.Task, error) {
	for i := range rows {
		if columns[taskTask].Ints[i] != int64(len(tasks)) {
			return nil, fmt.Errorf("the row of task %d is that of task %d", len(tasks),
				columns[taskTask].Ints[i])
		}
		parent, err := taskIn(&columns[taskParent], i, total)
		if err != nil {
			return nil, fmt.Errorf("parent of task %d: %w", len(tasks), err)
		}
		t := event.Task{
			TID: int(columns[taskTID].Ints[i]), TGID: int(columns[taskTGID].Ints[i]),
			Parent:  parent,
			Name:    columns[taskName].Text(i),
			Started: columns[taskStarted].Ints[i],
			Kernel:  columns[taskKernel].Ints[i] != 0, Traced: columns[taskTraced].Ints[i] != 0,
			Tracer: columns[taskTracer].Ints[i] != 0, Early: columns[taskEarly].Ints[i] != 0,
		}
		if !columns[taskRawName].Null[i] {
			t.Name = columns[taskRawName].Text(i)
		}
		if t.TID < 0 || t.TGID < 0 {
			return nil, fmt.Errorf("task %d: TID %d of process %d is out of range", len(tasks),
				t.TID, t.TGID)
		}
		if len(t.Name) > maxName || !utf8.ValidString(t.Name) && columns[taskRawName].Null[i] {
			return nil, fmt.Errorf("the name of task %d is not text", len(tasks))
		}
		tasks = append(tasks, t)
	}
	return tasks, nil
}

// knownTask says why a number cannot be that of a task in a table of so many.
func knownTask(t event.TaskID, tasks int) error {
	if t != event.NoTask && (int64(t) >= int64(tasks) || t < event.Idle(maxCPU)) {
		return fmt.Errorf("task %d is not in the table of tasks, which has %d", t, tasks)
	}
	return nil
}

// taskIn returns the task in a row, NULL being NoTask.
func taskIn(c *parquet.Values, row, tasks int) (event.TaskID, error) {
	if c.Null != nil && c.Null[row] {
		return event.NoTask, nil
	}
	t := event.TaskID(c.Ints[row])
	if t == event.NoTask {
		return 0, fmt.Errorf("task %d is out of range", t)
	}
	return t, knownTask(t, tasks)
}
