package spool

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"switchyard/trace/event"
)

// lastBooks are a task's own counters at its last switch.
type lastBooks struct {
	nvcsw, nivcsw uint16
	known         bool
}

// maxTID is above any TID (PID_MAX_LIMIT, include/linux/threads.h).
const maxTID = 1 << 22

// exchange finds out that exec in a thread has exchanged the numbers of thread and leader, in a
// recording of all tasks, where no record says so: its event comes only later, when the program is
// loaded, and either may leave its CPU before. Then another of the process seems to leave than
// came, and the counters are of the one that came (de_thread in fs/exec.c).
func (r *Recording) exchange(e *event.Event) {
	if !r.x.begin.All && r.x.begin.Version >= 2 {
		return
	}
	for len(r.current) <= int(e.CPU) {
		r.current = append(r.current, event.NoTask)
	}
	came := r.current[e.CPU]
	r.current[e.CPU] = e.Other
	if came < 0 || e.Task < 0 || came == e.Task {
		return
	}
	a, b := &r.ids[came], &r.ids[e.Task]
	if a.tgid == 0 || a.tgid != b.tgid || a.tid != a.tgid && b.tid != b.tgid ||
		!r.books[came].follows(e) || r.books[e.Task].follows(e) {
		return
	}
	r.swap(came, e.Task)
	if e.Other == e.Task {
		e.Other = came
	} else if e.Other == came {
		e.Other = e.Task
	}
	r.current[e.CPU] = e.Other
	e.Task = came
}

// follows reports whether a switch is the next one of the task whose last counters these are.
func (b lastBooks) follows(e *event.Event) bool {
	return b.known && uint16(e.NVCSW-b.nvcsw)+uint16(e.NIVCSW-b.nivcsw) == 1
}

// switched sets right what the probe could not know: with a signal pending, the kernel counts a
// switch as voluntary and then shows the task as running (since 6.15). Its counters tell.
func (r *Recording) switched(e *event.Event) {
	if e.Flags&event.FlagTaskTraced != 0 && e.Task >= 0 {
		r.tasks[e.Task].Traced = true
	}
	if e.Flags&event.FlagOtherTraced != 0 && e.Other >= 0 {
		r.tasks[e.Other].Traced = true
	}
	if e.Task < 0 {
		e.Flags &^= event.FlagVoluntary | event.FlagYield
		return
	}
	b := &r.books[e.Task]
	if b.known {
		switch vol, invol := e.NVCSW-b.nvcsw, e.NIVCSW-b.nivcsw; {
		case vol == 1 && invol == 0:
			e.Flags = e.Flags&^event.FlagYield | event.FlagVoluntary
		case vol == 0 && invol == 1:
			e.Flags &^= event.FlagVoluntary
		}
	}
	*b = lastBooks{e.NVCSW, e.NIVCSW, true}
}

// task returns whose one of the kernel's TIDs is now.
func (r *Recording) task(tid uint32, cpu uint16) (event.TaskID, error) {
	if tid == 0 {
		return event.Idle(int(cpu)), nil
	}
	if int(tid) < len(r.now) && r.now[tid] != 0 {
		return r.now[tid] - 1, nil
	}
	return r.add(kernelIDs{tid: tid}, event.Task{Parent: event.NoTask})
}

// add puts a new task into the table: the kernel's TID is now its own.
func (r *Recording) add(k kernelIDs, t event.Task) (event.TaskID, error) {
	if k.tid == 0 || k.tid > maxTID {
		return 0, fmt.Errorf("task %d: %w", k.tid, ErrFormat)
	}
	if len(r.tasks) == 1<<30 {
		return 0, fmt.Errorf("more than %d tasks: %w", 1<<30, ErrFormat)
	}
	id := event.TaskID(len(r.tasks))
	r.tasks = append(r.tasks, t)
	r.ids = append(r.ids, k)
	r.books = append(r.books, lastBooks{})
	r.now = upTo(r.now, k.tid)
	r.now[k.tid] = id + 1
	r.number(id)
	return id, nil
}

func name(comm []byte) string {
	n, _, _ := bytes.Cut(comm[:min(len(comm), commSize)], []byte{0})
	return string(n)
}

// made is a task's first event.
func (r *Recording) made(e *event.Event, b []byte, tid uint32) (err error) {
	le := binary.LittleEndian
	if e.Other, err = r.task(le.Uint32(b[identityBy:]), e.CPU); err != nil {
		return err
	}
	ids := kernelIDs{tid: tid, tgid: le.Uint32(b[identityTGID:])}
	t := event.Task{
		Parent:  e.Other,
		Name:    name(b[identityComm:]),
		Started: int64(le.Uint64(b[identityStart:])),
		Kernel:  b[recordFlags]&byte(flagKernel) != 0,
		Traced:  b[recordFlags]&byte(flagAdopted) != 0,
	}
	if ids.tgid == r.x.begin.Tracer {
		t.Tracer = true
	}
	// It may be known from the snapshot already, or from an event of a CPU whose clock is ahead.
	if int(tid) < len(r.now) && r.now[tid] != 0 {
		id := r.now[tid] - 1
		if known := &r.tasks[id]; known.Started == t.Started || known.Started == 0 {
			t.Early = known.Early
			t.Traced = t.Traced || known.Traced
			if t.Early { // a snapshot's name is newer
				t.Name = known.Name
			}
			*known = t
			r.ids[id] = ids
			r.number(id)
			e.Task = id
			e.Flags &= event.FlagThread
			return nil
		}
	}
	if e.Task, err = r.add(ids, t); err != nil {
		return err
	}
	// they are empty; exchange has a use for those that have been seen only
	r.books[e.Task].known = !r.x.begin.All
	e.Flags &= event.FlagThread
	return nil
}

// executed: a thread that is not the leader has the leader's number from now on.
func (r *Recording) executed(e *event.Event, b []byte, tid uint32) (err error) {
	leader, exchanged := r.exchanged[tid]
	if old := binary.LittleEndian.Uint32(b[identityOld:]); exchanged {
		delete(r.exchanged, tid)
	} else if old != tid && int(old) < len(r.now) && r.now[old] != 0 {
		if exchanged = int(tid) < len(r.now) && r.now[tid] != 0; exchanged {
			leader = r.now[tid] - 1
		}
		r.rename(r.now[old]-1, tid)
	}
	if e.Task, err = r.task(tid, e.CPU); err != nil {
		return err
	}
	if exchanged {
		r.unrename(leader, e.Task, name(b[identityComm:]))
	}
	delete(r.renamed, e.Task)
	r.ids[e.Task].tgid = binary.LittleEndian.Uint32(b[identityTGID:])
	r.number(e.Task)
	t := &r.tasks[e.Task]
	t.Name = name(b[identityComm:])
	t.Started = int64(binary.LittleEndian.Uint64(b[identityStart:]))
	return nil
}

// rename gives a task another of the kernel's numbers.
func (r *Recording) rename(id event.TaskID, tid uint32) {
	k := &r.ids[id]
	if int(tid) >= len(r.now) || tid == 0 {
		return
	}
	if r.now[k.tid] == id+1 {
		r.now[k.tid] = 0
	}
	r.now[tid] = id + 1
	k.tid = tid
	r.number(id)
}

// freed takes a task's number from it. If the number is another's, then exec has just exchanged the
// two: the old leader goes under the thread's number, before the event of exec comes.
func (r *Recording) freed(id event.TaskID, tid uint32, start int64) {
	t := &r.tasks[id]
	if t.Started == 0 || t.Started == start {
		r.now[tid] = 0
		r.forget(tid)
		if len(r.exchanged) == 0 { // else exec's event may have to take it back
			delete(r.renamed, id)
		}
		return
	}
	if g := r.ids[id].tgid; g > 0 && int(g) < len(r.now) && r.now[g] != 0 &&
		r.tasks[r.now[g]-1].Started == start {
		r.taken(g, r.now[g]-1)
		r.rename(id, g)
	}
}
