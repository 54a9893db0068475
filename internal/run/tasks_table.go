package run

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"switchyard/trace/event"
)

// taskColumns are the columns of tasks.parquet. The nth row is that of task n.
var taskColumns = [...]columnSpec{
	taskTask:    {name: "task", physical: int32s, encoding: encodingDelta},
	taskTID:     {name: "tid", physical: int32s, optional: true, encoding: encodingDictionary},
	taskTGID:    {name: "tgid", physical: int32s, optional: true, encoding: encodingDictionary},
	taskParent:  {name: "parent", physical: int32s, optional: true, encoding: encodingDictionary},
	taskName:    {name: "name", physical: blobs, encoding: encodingDictionary, text: true},
	taskRawName: {name: "name_bytes", physical: blobs, optional: true, encoding: encodingDictionary}, // only where name is not all of it
	taskStarted: {name: "started_ns", physical: int64s, optional: true, encoding: encodingDictionary},
	taskEnded:   {name: "ended_ns", physical: int64s, optional: true, encoding: encodingDictionary},
	taskKernel:  {name: "kernel", physical: booleans, encoding: encodingPlain},
	taskTraced:  {name: "traced", physical: booleans, encoding: encodingPlain},
	taskTracer:  {name: "tracer", physical: booleans, encoding: encodingPlain},
	taskEarly:   {name: "early", physical: booleans, encoding: encodingPlain},
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
func writeTasks(t *tableWriter, tasks []event.Task, ended []int64) error {
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
		c := t.columns
		c[taskTask].put(int64(i))
		c[taskTID].putUnless(0, int64(k.TID))
		c[taskTGID].putUnless(0, int64(k.TGID))
		c[taskParent].putUnless(int64(event.NoTask), int64(k.Parent))
		name := k.Name[:min(len(k.Name), maxName)]
		// Other programs refuse a table in which text is not UTF-8, and some end theirs at a zero.
		text := strings.ReplaceAll(strings.ToValidUTF8(name, "\uFFFD"), "\x00", "\uFFFD")
		c[taskName].putText(text)
		if text != name {
			c[taskRawName].putText(name)
		} else {
			c[taskRawName].null()
		}
		c[taskStarted].putUnless(0, k.Started)
		end := int64(0)
		if i < len(ended) {
			end = ended[i]
		}
		c[taskEnded].putUnless(0, end)
		c[taskKernel].put(truth(k.Kernel))
		c[taskTraced].put(truth(k.Traced))
		c[taskTracer].put(truth(k.Tracer))
		c[taskEarly].put(truth(k.Early))
		if err := t.endRow(); err != nil {
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
func tasksOf(tasks []event.Task, columns []column, rows, total int) ([]event.Task, error) {
	for i := range rows {
		if columns[taskTask].ints[i] != int64(len(tasks)) {
			return nil, fmt.Errorf("the row of task %d is that of task %d", len(tasks), columns[taskTask].ints[i])
		}
		parent, err := columns[taskParent].task(i, total)
		if err != nil {
			return nil, fmt.Errorf("parent of task %d: %w", len(tasks), err)
		}
		t := event.Task{
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
func knownTask(t event.TaskID, tasks int) error {
	if t != event.NoTask && (int64(t) >= int64(tasks) || t < event.Idle(maxCPU)) {
		return fmt.Errorf("task %d is not in the table of tasks, which has %d", t, tasks)
	}
	return nil
}

// task returns the task in a row, NULL being NoTask.
func (c *column) task(row, tasks int) (event.TaskID, error) {
	if c.null != nil && c.null[row] {
		return event.NoTask, nil
	}
	t := event.TaskID(c.ints[row])
	if t == event.NoTask {
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
