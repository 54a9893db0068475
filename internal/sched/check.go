package sched

import (
	"fmt"
	"time"

	"switchyard/internal/words"
	"switchyard/trace/event"
)

// checker adds up what the checks compare. A task whose own sum fails fails the whole: two tasks'
// errors must not cancel out.
type checker struct {
	nvcsw, nivcsw, exec, life, delay, tasks verdict

	// of all tasks' waits; and by how much tasks' own were beyond their bounds, ns
	delayAll               delay
	delayBelow, delayAbove int64
	delayTasks             int // those whose run_delay the kernel keeps

	made    leftOut        // by tasks that the kernel keeps from tracing
	running map[int32]bool // CPUs on which a task was last
}

// verdict is a sum and the first task whose own is wrong.
type verdict struct {
	traced, kernel uint64
	wrong          int
	first          string
	leftOut        int
}

func (v *verdict) add(a *Analysis, id event.TaskID, traced, kernel uint64, ok bool) {
	v.traced += traced
	v.kernel += kernel
	if !ok {
		v.blame(a, id, fmt.Sprintf("traced %d, kernel %d", traced, kernel))
	}
}

func (v *verdict) blame(a *Analysis, id event.TaskID, what string) {
	if v.wrong == 0 {
		v.first = a.nameOf(id) + ": " + what
	}
	v.wrong++
}

// nameOf returns how messages call a task.
func (a *Analysis) nameOf(id event.TaskID) string {
	if int(id) < len(a.table) && (a.table[id].TID != 0 || a.table[id].Name != "") {
		return fmt.Sprintf("task %d (%s)", a.table[id].TID, a.table[id].Name)
	}
	return fmt.Sprintf("task #%d", id)
}

// check returns the verdict on what must be equal.
func (v *verdict) check(name string, a *Analysis) event.Check {
	c := event.Check{Name: name, Status: event.Pass, Traced: v.traced, Kernel: v.kernel}
	if v.wrong > 0 || v.traced != v.kernel {
		c.Status = event.Fail
		c.Reason = fmt.Sprintf("differs by %d", int64(v.traced-v.kernel))
		if v.wrong > 0 {
			c.Reason += fmt.Sprintf(", %s wrong, the first %s",
				words.Count(v.wrong, "task"), v.first)
		}
		c.Reason += a.lossNote()
	} else if v.leftOut > 0 {
		c.Reason = words.Count(v.leftOut, "task") +
			" left out, of which the kernel's books were not read at both ends"
	}
	return c
}

// lossNote says, if events were lost, that this may be why.
func (a *Analysis) lossNote() string {
	if len(a.lost) == 0 {
		return ""
	}
	var n uint64
	for _, l := range a.lost {
		n += l.Count
	}
	return fmt.Sprintf("; %s lost in %s", words.Count(n, "event"), words.Count(len(a.lost), "interval"))
}

// add takes a task, closed.
func (c *checker) add(a *Analysis, id event.TaskID, t *task) {
	if t.state == running {
		if c.running == nil {
			c.running = make(map[int32]bool)
		}
		c.running[t.cpu] = true
	}
	c.switches(a, id, t)
	c.execRuntime(a, id, t)
	c.runDelay(a, id, t)
	if a.madeHidden(id, t) {
		c.made = append(c.made, id)
		return
	}
	if a.stranded(id) {
		c.existence(a, id, t)
		return
	}
	c.life.add(a, id, uint64(t.OnCPU+t.RunQueue+t.Blocked), uint64(t.Life), t.OnCPU+t.RunQueue+
		t.Blocked == t.Life)
	c.existence(a, id, t)
}

func (c *checker) switches(a *Analysis, id event.TaskID, t *task) {
	b := t.books
	if b == nil {
		b = new(books)
	}
	based := b.started || t.bornSeen
	if !based || !b.ended && t.state != gone {
		c.nvcsw.leftOut++
		c.nivcsw.leftOut++
		return
	}
	nv, niv := t.sinceNV, t.sinceNIV // its last switch has its last counters
	if b.ended {
		nv, niv = int64(b.end.NVCSW-b.start.NVCSW), int64(b.end.NIVCSW-b.start.NIVCSW)
	}
	t.KernelVoluntary, t.KernelInvoluntary = uint64(max(nv, 0)), uint64(max(niv, 0))
	t.MissingVoluntary = t.KernelVoluntary - min(t.TracedVoluntary, t.KernelVoluntary)
	t.MissingInvoluntary = t.KernelInvoluntary - min(t.TracedInvoluntary, t.KernelInvoluntary)
	if a.stranded(id) {
		return
	}
	c.nvcsw.add(a, id, t.TracedVoluntary, t.KernelVoluntary, t.TracedVoluntary == t.KernelVoluntary)
	c.nivcsw.add(a, id, t.TracedInvoluntary, t.KernelInvoluntary,
		t.TracedInvoluntary == t.KernelInvoluntary)
}

// execRuntime compares the spans whose ends were seen. The kernel's clock is not ours: see
// trace.Check for why.
func (c *checker) execRuntime(a *Analysis, id event.TaskID, t *task) {
	// What the task clock leaves out.
	apart := t.ExecKernel/100 + a.o.Steal + a.o.Interrupts + time.Millisecond
	// We are ahead by the time it takes to choose the next task, which before going idle includes
	// looking for work.
	ahead := apart + time.Microsecond*time.Duration(t.Switches.Voluntary+t.Switches.Involuntary) +
		10*time.Microsecond*time.Duration(t.Switches.Lazy) + dur(t.staleOut)
	behind := apart + dur(t.staleIn)
	d := t.ExecTraced - t.ExecKernel
	c.exec.traced += uint64(t.ExecTraced)
	c.exec.kernel += uint64(t.ExecKernel)
	if d > ahead || d < -behind {
		c.exec.blame(a, id, fmt.Sprintf("traced %v, kernel %v, which is not between %v and %v",
			t.ExecTraced, t.ExecKernel, -behind, ahead))
	}
}

// execMargin is how far all tasks' time together may be off. A clock that is stale at a switch from
// or to the idle task gives to nobody what it takes.
func (a *Analysis) execMargin(r *Result) time.Duration {
	t := r.Total.Totals
	t.add(&r.Tracer)
	return t.ExecKernel/100 + a.o.Steal + a.o.Interrupts + time.Millisecond*time.Duration(1+
		len(r.CPUs)) +
		time.Microsecond*time.Duration(t.Switches.Voluntary+t.Switches.Involuntary) +
		10*time.Microsecond*time.Duration(t.Switches.Lazy) +
		dur(a.staleIdle)
}

// existence compares whether a task should be there with whether the walks over all tasks found it.
func (c *checker) existence(a *Analysis, id event.TaskID, t *task) {
	started, ended := false, false
	if b := t.books; b != nil {
		started, ended = b.started, b.ended
	}
	switch {
	case !started && !t.bornSeen:
		if ended || !t.exiting {
			c.tasks.blame(a, id, "it is there, and was not seen to come")
		}
		return
	case t.state == gone || t.exiting:
		return // whether it was still found says nothing
	case !ended && t.born >= a.walk.firstEnd:
		return // made when the walk was under way
	}
	c.tasks.traced++
	if ended {
		c.tasks.kernel++
	} else {
		c.tasks.blame(a, id, "it was not seen to end, and is not there")
	}
}

// checks returns the verdicts.
func (c *checker) checks(a *Analysis, r *Result) []event.Check {
	list := []event.Check{a.withoutStranded(c.nvcsw.check("nvcsw", a)),
		a.withoutStranded(c.nivcsw.check("nivcsw", a))}
	if a.walk.started == 0 || a.walk.ended == 0 {
		for i := range list {
			list[i] = event.Check{Name: list[i].Name, Status: event.Unavailable,
				Reason: "no snapshot of the tasks at both ends"}
		}
	}
	list = append(list, a.checkCtxt())

	exec := c.exec.within("sum_exec_runtime", a)
	if d := r.Total.ExecTraced + r.Tracer.ExecTraced - r.Total.ExecKernel -
		r.Tracer.ExecKernel; exec.OK() && a.o.All && d.Abs() > a.execMargin(r) {
		// What a stale clock takes from one task it gives to the next.
		exec.Status = event.Fail
		exec.Reason = fmt.Sprintf("differs by %v, more than %v", d, a.execMargin(r)) + a.lossNote()
	}
	if exec.Traced == 0 && exec.Kernel == 0 {
		exec.Status, exec.Reason = event.Unavailable,
			"no task was seen to come to a CPU and to leave it"
	}
	list = append(list, exec, a.withoutPlugging(a.withoutStranded(c.checkDelay(a))),
		a.withoutStranded(c.checkLife(a, r)), a.checkCPU(r))

	tasks := c.tasks.check("tasks", a)
	if a.walk.started == 0 || a.walk.ended == 0 {
		tasks = event.Check{Name: "tasks", Status: event.Unavailable,
			Reason: "no snapshot of the tasks at both ends"}
	} else if a.o.All && a.o.Nested {
		tasks = event.Check{Name: "tasks", Status: event.Unavailable, Reason: nested}
	}
	return append(list, c.without(a, tasks), a.checkChain(r), a.checkWindow(r))
}

// without says in a check which tasks it leaves out because of who made them.
func (c *checker) without(a *Analysis, check event.Check) event.Check {
	if len(c.made) > 0 && check.Status != event.Unavailable {
		check = remark(check, c.made.note(a, "made by tasks that the kernel keeps from tracing"))
	}
	return check
}

// within returns the verdict on what must be equal within a margin, which was looked at task by
// task.
func (v *verdict) within(name string, a *Analysis) event.Check {
	c := event.Check{Name: name, Status: event.Pass, Traced: v.traced, Kernel: v.kernel}
	if v.wrong > 0 {
		c.Status = event.Fail
		c.Reason = fmt.Sprintf("differs by %v, %s wrong, the first %s",
			dur(int64(v.traced-v.kernel)), words.Count(v.wrong, "task"), v.first) + a.lossNote()
	}
	return c
}

func (a *Analysis) checkCtxt() event.Check {
	c := event.Check{Name: "ctxt"}
	switch {
	case !a.o.All:
		c.Status, c.Reason = event.Unavailable, "only some tasks were recorded"
		return c
	case a.o.Ctxt == nil:
		c.Status, c.Reason = event.Unavailable, "/proc/stat was not read"
		return c
	}
	// After a hidden task the switch away from it is not shown, and perhaps a second one, to
	// another hidden task.
	// Of a CPU that goes offline the last one is not, from its stopper to the idle task.
	most := a.ctxt[1] + uint64(a.absences.went)
	for _, cpu := range a.cpus {
		if cpu != nil {
			most += 2 * cpu.hidden
		}
	}
	c.Status = event.Pass
	c.Kernel = a.o.Ctxt[1].Value - a.o.Ctxt[0].Value
	c.Traced = min(max(c.Kernel, a.ctxt[0]), most)
	if c.Traced != c.Kernel {
		c.Status = event.Fail
		c.Reason = fmt.Sprintf("differs by %d: %s for certain between the readings, %d at most",
			int64(c.Traced-c.Kernel), words.Count(a.ctxt[0], "switch"), most) + a.lossNote()
	}
	return c
}

// nested is why there are no sums over all tasks from inside a PID namespace.
const nested = "in a PID namespace the tracer can ask only about its tasks: what the others did at the window's ends is not known"

func (c *checker) checkLife(a *Analysis, r *Result) event.Check {
	if a.o.All && a.o.Nested {
		return event.Check{Name: "life", Status: event.Unavailable, Reason: nested}
	}
	check := c.life.check("life", a)
	if unknown := r.Total.Unknown + r.Tracer.Unknown; !check.OK() && unknown > 0 {
		check.Reason += fmt.Sprintf("; %v are of tasks of which it is not known what they did",
			unknown)
	}
	return c.without(a, check)
}

func (a *Analysis) checkCPU(r *Result) event.Check {
	check := event.Check{Name: "cpu", Status: event.Pass}
	if !a.o.All {
		check.Status, check.Reason = event.Unavailable, "only some tasks were recorded"
		return check
	}
	var unknown time.Duration
	for i := range r.CPUs {
		c := &r.CPUs[i]
		check.Traced += uint64(c.Busy + c.Idle)
		check.Kernel += uint64(dur(a.w.Close-a.w.Open) - c.Offline)
		unknown += c.Unknown
		if c.Busy+c.Idle+c.Offline != dur(a.w.Close-a.w.Open) {
			check.Status = event.Fail
		}
	}
	if check.OK() {
		check.Reason = offlineNote(r.CPUs)
		return check
	}
	var hidden uint64
	whole := true
	for i := range r.CPUs {
		c := &r.CPUs[i]
		hidden += c.BrokenByHidden
		whole = whole && c.Busy+c.Idle+c.Unknown+c.Offline == dur(a.w.Close-a.w.Open) && c.Breaks+
			c.BrokenByLoss == 0
	}
	if whole && hidden > 0 {
		check.Status = event.Unavailable
		check.Reason = fmt.Sprintf("what the CPUs did is not known of %v, after %d switches to tasks that the kernel keeps from tracing",
			unknown, hidden)
		return check
	}
	check.Reason = fmt.Sprintf("differs by %v; what the CPUs did is not known of %v",
		dur(int64(check.Traced-check.Kernel)), unknown) + a.lossNote()
	return check
}

func (a *Analysis) checkChain(r *Result) event.Check {
	check := event.Check{Name: "chain", Status: event.Pass}
	if !a.o.All {
		check.Status, check.Reason = event.Unavailable, "only some tasks were recorded"
		return check
	}
	var breaks, lossy, hidden uint64
	for i, c := range r.CPUs {
		check.Traced += a.cpus[r.CPUs[i].Number].links
		breaks += c.Breaks
		lossy += c.BrokenByLoss
		hidden += c.BrokenByHidden
	}
	check.Kernel = check.Traced + breaks + lossy
	if breaks+lossy > 0 {
		check.Status = event.Fail
		check.Reason = fmt.Sprintf("%s away from a task that was not there, %d of them where events were lost",
			words.Count(breaks+lossy, "switch"), lossy)
	} else if hidden > 0 {
		check.Reason = words.Count(hidden, "switch") +
			" left out, away from tasks that the kernel keeps from tracing"
	}
	return check
}
