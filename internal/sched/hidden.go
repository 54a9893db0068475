package sched

import (
	"fmt"
	"strings"

	"switchyard/internal/words"
	"switchyard/trace/event"
)

// The kernel can keep tasks from tracing: no tracepoint fires while one of them is on a CPU, but
// for the switch that brings it there, which is another task's. Whom it makes comes out of nowhere
// then, and part of that task's life is not known. Such a task is told from one whose making should
// have been seen by a CPU on which a hidden task was when it was made.

// A hiddenStay is a time a CPU spent with a task that seems to be hidden, from the switch to it to
// the next switch seen.
type hiddenStay struct {
	id       event.TaskID
	from, to int64
}

// maxStays is how many are remembered: of all CPUs, the last ones.
const maxStays = 64

// stays are the last ones that are over, and those of each task that came out of nowhere, when it
// did.
type stays struct {
	last []hiddenStay
	of   map[event.TaskID][]hiddenStay
}

func (s *stays) add(v hiddenStay) {
	if len(s.last) == maxStays {
		s.last = append(s.last[:0], s.last[maxStays/2:]...)
	}
	s.last = append(s.last, v)
}

// comesUp is for a task that is heard of for the first time, and was not in the first snapshot nor
// seen to be made: it notes the stays in which it may have been.
func (a *Analysis) comesUp(id event.TaskID, t *task, now int64) {
	if !a.o.All || a.walk.started == 0 || t.bornSeen || t.books != nil && t.books.started {
		return
	}
	list := append([]hiddenStay(nil), a.stays.last...)
	for _, c := range a.cpus {
		if c != nil && c.known && c.current >= 0 && c.current != id &&
			a.seemsHidden(a.task(c.current)) {
			list = append(list, hiddenStay{c.current, c.since, now})
		}
	}
	if len(list) == 0 {
		return
	}
	if a.stays.of == nil {
		a.stays.of = make(map[event.TaskID][]hiddenStay)
	}
	a.stays.of[id] = list
}

// seemsHidden is hidden as far as it is known by now.
func (a *Analysis) seemsHidden(t *task) bool {
	return t != nil && a.walk.started > 0 && !t.leaves && !t.bornSeen &&
		(t.books == nil || !t.books.started)
}

// madeHidden reports whether a task was made by one that the kernel keeps from tracing.
func (a *Analysis) madeHidden(id event.TaskID, t *task) bool {
	if t.bornSeen || t.books != nil && t.books.started || len(a.lost) > 0 {
		return false
	}
	var started int64 // 0: not known
	if int(id) < len(a.table) {
		started = a.table[id].Started
	}
	for _, s := range a.stays.of[id] {
		if (started == 0 || s.from <= started && started <= s.to) && a.hidden(a.task(s.id)) {
			return true
		}
	}
	return false
}

// A leftOut is a list of tasks that a check leaves out.
type leftOut []event.TaskID

// note says which they are, and why they are left out.
func (l leftOut) note(a *Analysis, why string) string {
	const most = 8
	names := make([]string, 0, most)
	for _, id := range l[:min(len(l), most)] {
		names = append(names, a.nameOf(id))
	}
	said := strings.Join(names, ", ")
	if n := len(l) - most; n > 0 {
		said += fmt.Sprintf(" and %d more", n)
	}
	return words.Count(len(l), "task") + " left out, " + why + ": " + said
}
