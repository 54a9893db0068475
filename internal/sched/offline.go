package sched

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"switchyard/trace/event"
)

// On a CPU that is offline the kernel calls no probe, and one that goes still does a little: its
// stopper, which has taken it down, goes to sleep. So from the last that was heard of a CPU before
// it went to the first after, what it did is not known, and of the task that was on it neither.

// absences are the times in which CPUs were offline.
type absences struct {
	list []event.Absence
	gone []event.TaskID // who was on a CPU when it went
	went int            // how often one did
}

// hear notes that a CPU has had an event, so that it is online.
func (a *Analysis) hear(number int, now int64) {
	c := a.cpu(number)
	if c.off >= 0 {
		a.comeBack(c, number, now)
	}
	c.heard = now
}

// onOffline is for a CPU that is not online any more.
func (a *Analysis) onOffline(e *event.Event, now int64) {
	number := cpuOf(e.Value, never)
	if number < 0 {
		return
	}
	c := a.cpu(int(number))
	if c.off >= 0 {
		return // it was before the window
	}
	from := now
	if a.o.All && c.heard >= 0 {
		from = c.heard // it has had a switch to the stopper
	}
	a.absences.went++
	if a.o.All {
		c.until(a, int(number), from)
	}
	if c.known && c.current >= 0 {
		a.strand(c.current, number)
	}
	a.measure(c, now)
	c.off, c.known, c.current = from, false, event.NoTask
	if c.waiting > 0 {
		// Before 5.11 who waits is moved away unseen.
		a.restartQueues(now)
	}
	a.queue.touch(a, int(number))
	a.queue.settle(a, now, event.NoTask)
}

// strand is for the task that was on the CPU.
func (a *Analysis) strand(id event.TaskID, number int32) {
	t := a.task(id)
	if t == nil || t.state != running || t.cpu != number {
		return
	}
	t.state, t.doubt = unknown, true
	if !slices.Contains(a.absences.gone, id) {
		a.absences.gone = append(a.absences.gone, id)
	}
}

// onOnline is for a CPU that is back, if nothing was heard of it yet.
func (a *Analysis) onOnline(e *event.Event, now int64) {
	if number := cpuOf(e.Value, never); number >= 0 {
		if c := a.cpu(int(number)); c.off >= 0 {
			a.comeBack(c, int(number), now)
		}
	}
}

// comeBack ends a CPU's absence.
func (a *Analysis) comeBack(c *cpu, number int, now int64) {
	a.absent(c, number, now)
	a.measure(c, now)
	c.off, c.begun, c.heard = never, now, now
}

// absent adds up an absence that lasted to a time. One that lasted all the window is none of the
// window.
func (a *Analysis) absent(c *cpu, number int, to int64) {
	from, to := max(c.off, a.w.Open), min(to, a.w.Close)
	if from >= to {
		return
	}
	c.offline += to - from
	if from == a.w.Open && to == a.w.Close {
		return
	}
	a.absences.list = append(a.absences.list,
		event.Absence{CPU: number, From: from - a.w.Open, To: to - a.w.Open})
}

// stillOffline adds up the absences that last to the window's end.
func (a *Analysis) stillOffline() {
	for i, c := range a.cpus {
		if c != nil && c.off >= 0 {
			a.absent(c, i, a.w.Close)
		}
	}
	slices.SortStableFunc(a.absences.list, func(x, y event.Absence) int {
		return cmp.Or(cmp.Compare(x.From, y.From), cmp.Compare(x.CPU, y.CPU))
	})
}

// stranded reports whether a task was on a CPU when it went offline.
func (a *Analysis) stranded(id event.TaskID) bool { return slices.Contains(a.absences.gone, id) }

// withoutStranded says in a check which tasks it leaves out.
func (a *Analysis) withoutStranded(check event.Check) event.Check {
	if len(a.absences.gone) == 0 || check.Status == event.Unavailable {
		return check
	}
	return remark(check, leftOut(a.absences.gone).note(a, "on a CPU that went offline"))
}

// withoutPlugging takes back the failure of a check to which it matters when a task comes to a
// queue: for a CPU to go, all of them stand still with interrupts off, and tasks are moved in a
// hurry, by clocks that are not brought up to date.
func (a *Analysis) withoutPlugging(check event.Check) event.Check {
	if check.Status == event.Fail && len(a.absences.list) > 0 {
		check.Status = event.Unavailable
		check.Reason = "a CPU went offline or came back, for which all of them stand still; " +
			check.Reason
	}
	return check
}

// remark adds to a check's reason.
func remark(check event.Check, note string) event.Check {
	if check.Reason != "" {
		check.Reason += "; "
	}
	check.Reason += note
	return check
}

// offlineNote says which CPUs were offline, and for how long.
func offlineNote(cpus []CPU) string {
	var parts []string
	for i := range cpus {
		if d := cpus[i].Offline; d > 0 {
			parts = append(parts, fmt.Sprintf("CPU %d for %v", cpus[i].Number, d))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "left out while offline: " + strings.Join(parts, ", ")
}
