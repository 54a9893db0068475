package sched

import (
	"time"

	"switchyard/trace/event"
	"switchyard/trace/hist"
)

// Result is what an Analysis has found. Times inside it are of the window, unless they say
// otherwise.
type Result struct {
	Window event.Window
	All    bool // the whole machine was recorded

	Tasks []TaskResult // those the recording is about, by TaskID, without the recorder's own
	Total TaskSum      // of Tasks
	// Tracer is the sum of the recorder's own threads, which are in no other result, but in CPUs,
	// Queue, Waste and Checks.
	Tracer Totals

	CPUs []CPU // with All

	Preemptors []Pair // By took the CPU of Of, which then waited. Yielding is no preemption
	Wakers     []Pair // By woke Of, which then waited: wake-up latency. Its first starts are none
	Chains     []Chain

	// those waiting on all CPUs: with All of all tasks, otherwise of those the recording is about
	Queue Queue
	Waste Waste

	Appeared, Disappeared uint64 // tasks

	Lost []event.Lost
	// Offline are the times in which CPUs were offline, in the order in which they began, but for
	// CPUs that were so all the time: those are in no result.
	Offline []event.Absence
	// Checks are the sums that must add up, the recorder's own threads included.
	//
	//	nvcsw             voluntary switches: the events between the two snapshots are as many as
	//	                  nvcsw has changed by, for each task. A task that was made or ended in
	//	                  between counts from there, or up to there
	//	nivcsw            involuntary switches: the same with nivcsw
	//	ctxt              all switches: the change of ctxt in /proc/stat, within the time it took to
	//	                  read it
	//	sum_exec_runtime  on-CPU spans (ns) in the window: the kernel's own within its clock's
	//	                  error, for each task
	//	run_delay         run-queue time (ns) between the snapshots, or up to a task's last switch:
	//	                  the kernel's own within the bounds of run_delay.go, for each task and for
	//	                  all together
	//	life              on-CPU + run-queue + blocked time (ns) = the tasks' life in the window,
	//	                  for each task
	//	cpu               busy + idle time of the CPUs (ns) = the window, for each CPU
	//	tasks             tasks at the start + appeared − disappeared = tasks at the end, for each
	//	                  task
	//	chain             the task that leaves a CPU is the one that came to it at the switch before
	//	window            its length (ns): the snapshots were taken around it by the same clock, and
	//	                  there was a task in it
	Checks []event.Check

	Events     uint64
	Disordered uint64 // events that were earlier than the one before: taken as of the same time
	Refused    uint64 // mentions of tasks numbered beyond Options.MaxTasks
	// tasks that the kernel keeps from tracing: others' switches to them were all there was
	Hidden  uint64
	Strange uint64 // events that cannot be, as of tasks that are gone
}

// Distributions are the lengths of single intervals both of whose ends were seen, in the window.
type Distributions struct {
	event.Distributions
	// CompoundDelay is, for each of WakeupLatency, that and what the wakers in its Chain had
	// waited.
	CompoundDelay hist.Histogram
}

func (d *Distributions) add(o *Distributions) {
	d.AddDistributions(&o.Distributions)
	d.CompoundDelay.Merge(&o.CompoundDelay)
}

// TaskSum is the sum over several tasks.
type TaskSum struct {
	Totals
	Distributions
}

// TaskResult is what one task did.
type TaskResult struct {
	ID event.TaskID
	event.Task
	Totals
	Distributions
}

// CPU is what one CPU did in the window. In JSON it is as results have it.
type CPU struct {
	Number int           `json:"cpu"`
	Busy   time.Duration `json:"busy_ns"`
	Idle   time.Duration `json:"idle_ns"`
	// events were lost or are missing
	Unknown time.Duration `json:"unknown_ns"`
	// the CPU was offline: that is none of the above
	Offline  time.Duration `json:"offline_ns,omitempty"`
	Switches uint64        `json:"switches"`
	Queue
	// switches whose prev is not the next of the one before, and no loss explains it
	Breaks         uint64 `json:"-"`
	BrokenByLoss   uint64 `json:"-"` // those that a loss explains
	BrokenByHidden uint64 `json:"-"` // those after a task that the kernel keeps from tracing
}

func dur(ns int64) time.Duration { return time.Duration(ns) }

// Result closes the window, whatever events came, and returns what was found. Events that come
// later change nothing.
func (a *Analysis) Result() *Result {
	if a.done != nil {
		return a.done
	}
	if !a.began {
		a.begin()
	}
	r := &Result{Window: a.w, All: a.o.All, Lost: a.lost}
	a.done = r
	if a.nextLost < len(a.lostAny) {
		a.passLost(max(a.now, a.w.Close))
	}
	a.measureQueues(max(a.now, a.w.Close))
	a.queue.paused = true // whatever was wasted is so to the end
	a.queue.judge(a, max(a.now, a.w.Close), event.NoTask)
	a.queue.flush(a)

	var c checker
	for i := range len(a.tasks) * taskPiece {
		id := event.TaskID(i)
		if a.tasks[i/taskPiece] == nil {
			continue
		}
		if !a.accounted(id) {
			if a.hidden(a.task(id)) {
				r.Hidden++
			}
			continue
		}
		t := a.task(id)
		a.closeTask(id, t)
		c.add(a, id, t)
		if a.tracer(id) {
			r.Tracer.add(&t.Totals)
			continue
		}
		row := TaskResult{ID: id, Totals: t.Totals}
		if i < len(a.table) {
			row.Task = a.table[i]
		}
		row.WakeupLatency = t.wakeup.histogram(&a.pages)
		row.RunQueueLatency = t.other.histogram(&a.pages)
		row.RunQueueLatency.Merge(&row.WakeupLatency)
		row.OnCPUSpan = t.onCPU.histogram(&a.pages)
		row.BlockedTime = t.block.histogram(&a.pages)
		row.CompoundDelay = t.compound.histogram(&a.pages)
		r.Tasks = append(r.Tasks, row)
		r.Total.Totals.add(&row.Totals)
		r.Total.Distributions.add(&row.Distributions)
		if t.bornSeen && a.in(t.born) {
			r.Appeared++
		}
		r.Disappeared += row.Exits
	}
	r.Preemptors = a.preemptors.result(a.shown)
	r.Wakers = a.wakers.result(a.shown)
	r.Chains = a.worst.result(a.shown)
	r.Queue = a.queue.all.result()
	r.Waste = a.waste()
	a.stillOffline()
	r.Offline = a.absences.list
	if a.o.All {
		for i, cpu := range a.cpus {
			if cpu == nil || cpu.offline > 0 && cpu.offline == a.w.Close-a.w.Open {
				continue
			}
			cpu.finish(a, i, c.running[int32(i)], a.walk.started > 0)
			r.CPUs = append(r.CPUs, CPU{
				Number: i, Busy: dur(cpu.busy), Idle: dur(cpu.idle), Unknown: dur(cpu.unknown),
				Offline:  dur(cpu.offline),
				Switches: cpu.switches, Breaks: cpu.breaks, BrokenByLoss: cpu.brokenByLoss,
				BrokenByHidden: cpu.hidden, Queue: cpu.queueLen.result(),
			})
		}
	}
	r.Events, r.Disordered, r.Refused, r.Strange = a.events, a.disordered, a.refused, a.strange
	r.Checks = c.checks(a, r)
	return r
}

// accounted reports whether the recording is about a task that something was heard of.
func (a *Analysis) accounted(id event.TaskID) bool {
	t := a.task(id)
	started := t.books != nil && (t.books.started || t.books.ended)
	switch {
	case t.state == unmet && !started:
		return false
	case a.hidden(t):
		return false
	case a.o.All || t.traced:
		return true
	case int(id) < len(a.table):
		return a.table[id].Traced
	}
	return started
}

// hidden reports whether the kernel keeps a task from tracing: a walk over all tasks does not find
// it, and it is never seen to leave a CPU.
func (a *Analysis) hidden(t *task) bool {
	return a.walk.started > 0 && t.state != unmet && t.books == nil && !t.bornSeen && !t.leaves &&
		len(a.lost) == 0
}

// tracer reports whether a task is one of the recorder's own.
func (a *Analysis) tracer(id event.TaskID) bool {
	return int(id) < len(a.table) && a.table[id].Tracer
}

// shown reports whether a task is in the results.
func (a *Analysis) shown(id event.TaskID) bool {
	return id == event.NoTask || id >= 0 && !a.tracer(id)
}

// closeTask ends a task's last period, as far as the window goes, and adds up its life.
func (a *Analysis) closeTask(id event.TaskID, t *task) {
	b, alive := t.books, true
	if t.state == unmet {
		a.greet(t, a.w.Close)
		a.comesUp(id, t, a.w.Close)
	}
	if t.ahead {
		a.catchUp(id, t)
	}
	if t.state != gone && t.from < a.w.Close {
		nv, niv, known := t.rest()
		vanished := !t.exiting && a.walk.ended > 0 && (b == nil || !b.ended) &&
			t.born < a.walk.firstEnd
		alive = t.state != fresh || vanished || b != nil && b.ended
		switch {
		case !alive:
		case t.doubt || t.twice || vanished || t.state == fresh || known && nv+niv > 0:
			a.murky(id, t, a.w.Close, 0, false)
		default:
			if t.state == blocked && t.early >= 0 && known && (b.end.Activity == event.Runnable ||
				b.end.Activity == event.OnCPU) {
				if _, _, lost := a.lostAny.within(t.from, b.end.Time); lost {
					t.early = ambiguous
				} else {
					a.unwoken(t, a.w.Close) // its waking came early: nothing woke it since
				}
			}
			a.period(id, t, a.w.Close, t.cpu, false, false)
			if t.state == ready && t.moved > 0 && b != nil && b.ended {
				t.maybe(b.end.Time - max(t.from, t.woken)) // up to the last move
			}
		}
	}

	begin := t.born
	switch {
	case t.bornSeen:
	case b != nil && b.started:
		begin = a.w.Open
	case int(id) < len(a.table) && a.table[id].Started > 0:
		begin = min(a.table[id].Started, t.born)
	}
	end := a.w.Close
	if t.state == gone {
		end = t.died
	}
	if alive {
		t.Life = dur(a.clip(begin, end))
	}
	if begin < t.born {
		t.Unknown += dur(a.clip(begin, min(t.born, end))) // it lived, and nothing was heard of it
	}
}

// rest returns how many switches the kernel counted after the last one seen, and whether that is
// known.
func (t *task) rest() (nv, niv int64, known bool) {
	b := t.books
	switch {
	case b == nil || !b.ended:
		return 0, 0, false
	case !b.started && !t.bornSeen && t.indexed:
		// where they began is not known, but where they were
		return max(int64(int16(uint16(b.end.NVCSW)-t.nvcsw)), 0),
			max(int64(int16(uint16(b.end.NIVCSW)-t.nivcsw)), 0), true
	}
	return max(int64(b.end.NVCSW-b.start.NVCSW)-t.sinceNV, 0),
		max(int64(b.end.NIVCSW-b.start.NIVCSW)-t.sinceNIV, 0), true
}

// waste returns what was found of work conservation.
func (a *Analysis) waste() Waste {
	w := &a.queue.wasted
	if !a.o.All {
		return Waste{Reason: "only some tasks were recorded: which CPUs are idle is not known"}
	}
	lengths := w.histogram(&a.pages)
	return Waste{Count: w.count, Time: dur(w.sum), Longest: dur(w.max), Lengths: lengths}
}
