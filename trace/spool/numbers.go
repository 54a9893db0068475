package spool

import (
	"fmt"

	"switchyard/trace/event"
)

// kernelIDs are a task's numbers in the first PID namespace, where every task has some: records
// name it by them. tgid 0: not known.
type kernelIDs struct{ tid, tgid uint32 }

// learn notes what the recorder's PID namespace calls a task, 0 if it has no number for it. It
// belongs to the kernel's number, not to the task: exec in a thread exchanges both at once
// (exchange_tids in kernel/pid.c).
func (r *Recording) learn(tid, nr uint32) error {
	if tid == 0 || tid > maxTID || nr > maxTID {
		return fmt.Errorf("task %d, in the recorder's PID namespace %d: %w", tid, nr, ErrFormat)
	}
	if r.x.begin.Level > 0 {
		r.numbers = upTo(r.numbers, tid)
		r.numbers[tid] = nr
	}
	return nil
}

// forget: the kernel's number may become that of a task of which less is known.
func (r *Recording) forget(tid uint32) {
	if int(tid) < len(r.numbers) {
		r.numbers[tid] = 0
	}
}

// number gives a task the TID and TGID that belong to the kernel's.
func (r *Recording) number(id event.TaskID) {
	t, k := &r.tasks[id], &r.ids[id]
	t.TID, t.TGID = r.translate(k.tid), r.translate(k.tgid)
}

// translate returns what the recorder's PID namespace calls a task now, 0 if it has no number for
// it or none is known. A process has the number of its leader.
func (r *Recording) translate(tid uint32) int {
	switch {
	case r.x.begin.Level == 0:
		return int(tid)
	case int(tid) < len(r.numbers):
		return int(r.numbers[tid])
	}
	return 0
}

// swap gives each of two tasks the other's number: one of them is the leader, and exec is under way
// in the other.
func (r *Recording) swap(a, b event.TaskID) {
	x, y := &r.ids[a], &r.ids[b]
	if x.tid == x.tgid {
		r.taken(x.tid, a)
	} else if x.tgid != 0 {
		r.taken(x.tgid, b)
	}
	x.tid, y.tid = y.tid, x.tid
	r.now[x.tid], r.now[y.tid] = a+1, b+1
	r.number(a)
	r.number(b)
}

// taken notes that a leader's number is another task's now. The event of exec is to come.
func (r *Recording) taken(tid uint32, leader event.TaskID) {
	if r.exchanged == nil {
		r.exchanged = make(map[uint32]event.TaskID)
	}
	r.exchanged[tid] = leader
}

// A renaming is the last time a task gave itself a name.
type renaming struct {
	order  int // later ones have higher ones
	before string
}

// renames gives a task a name. Exec does it to the task that calls it, under the leader's number,
// before the event of exec, and maybe before anything says that this is no longer the leader.
func (r *Recording) renames(id event.TaskID, tid, by uint32, to string) {
	t := &r.tasks[id]
	if tgid := r.ids[id].tgid; by == tid && (tgid == tid || tgid == 0) {
		if r.renamed == nil {
			r.renamed = make(map[event.TaskID]renaming)
		}
		r.renamings++
		r.renamed[id] = renaming{r.renamings, t.Name}
	}
	t.Name = to
}

// unrename gives a leader its name back if the one that exec gave to a thread came to it.
func (r *Recording) unrename(leader, thread event.TaskID, program string) {
	if leader == thread {
		return
	}
	if last, ok := r.renamed[leader]; ok && last.order > r.renamed[thread].order &&
		r.tasks[leader].Name == program {
		r.tasks[leader].Name = last.before
	}
	delete(r.renamed, leader)
}

// renumbered: a task that was old is tid, and the one that was tid is old. Both tasks can say so,
// and more than once: the mark tells whose word it is.
func (r *Recording) renumbered(old, tid, mark uint32) {
	if old == tid || int(old) >= len(r.now) || r.now[old] == 0 || int(tid) >= len(r.now) ||
		r.now[tid] == 0 {
		return // one of the two is not known: the event of exec will do
	}
	a, b := r.now[old]-1, r.now[tid]-1
	if r.marks == nil {
		r.marks = make(map[event.TaskID]uint32)
	}
	if known, ok := r.marks[b]; ok && known == mark {
		return // said before
	}
	if known, ok := r.marks[a]; ok && known != mark {
		r.marks[b] = mark // said by the other
		return
	}
	r.swap(a, b)
	r.marks[a] = mark
}

// upTo returns a slice that has an element for this TID.
func upTo[T any](s []T, tid uint32) []T {
	if n := int(tid) + 1 - len(s); n > 0 {
		s = append(s, make([]T, max(1024, n))...)
	}
	return s
}
