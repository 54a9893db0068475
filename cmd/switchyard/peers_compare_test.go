package main

import (
	"fmt"
	"math"
	"testing"

	"switchyard/trace/event"
)

// compareCount holds count depth against record depth: every count. It returns the times that
// differ by more than the two clocks usually do.
func (r *peerRun) compareCount(t *testing.T, clock *peerClock) (apart []string) {
	t.Helper()
	count, record := r.rows(&r.count), r.rows(&r.record)
	died, last := map[int]int64{}, int64(0) // the inner window ends when its command does
	root := 0
	parent := map[int]int{}
	for i := range r.tasks {
		if p := r.tasks[i].Parent; p >= 0 && int(p) < len(r.tasks) {
			parent[r.tasks[i].TID] = r.tasks[p].TID
		}
	}
	for tid := range count {
		if count[parent[tid]] == nil {
			root = tid
		}
	}
	for i := range r.events {
		if e := &r.events[i]; e.Kind == event.Switch && e.State&event.StateDead != 0 {
			died[r.tidOf(e.Task)] = e.Time
		}
	}
	last = died[root]
	compared := 0
	for _, tid := range r.sortedTIDs() {
		a, b := record[tid], count[tid]
		if a == nil {
			t.Errorf("task %d is in the recording and not in its report", tid)
			continue
		}
		if b == nil || tid == root || died[tid] >= last {
			continue // not wholly inside the inner window
		}
		compared++
		if a.Switches != b.Switches {
			t.Errorf("%s: switches: record %+v, count %+v", name(a), a.Switches, b.Switches)
		}
		type sums struct{ Wakeups, ByInterrupt, Spurious, Migrations uint64 }
		x, y := sums{a.Wakeups, a.WakeupsByInterrupt, a.SpuriousWakeups, a.Migrations},
			sums{b.Wakeups, b.WakeupsByInterrupt, b.SpuriousWakeups, b.Migrations}
		switch early := y.Spurious - x.Spurious; {
		case x == y:
		case early < 10 && x == sums{y.Wakeups + early, y.ByInterrupt, x.Spurious, y.Migrations}:
			apart = append(apart,
				fmt.Sprintf("%s: count depth took %d early wakings for spurious", name(a), early))
		default:
			t.Errorf("%s: record %+v, count %+v", name(a), x, y)
		}
		// Both are programs on the same tracepoint: between their times lies the like of what
		// perf's and ours differ by, each time, and once or twice an interrupt.
		room := float64(a.Switches.Total())*4*float64(clock.spread) + 2*float64(clock.most)
		for what, v := range map[string][2]int64{"on CPU": {int64(a.OnCPU), int64(b.OnCPU)},
			"run queue": {int64(a.RunQueue), int64(b.RunQueue)},
			"blocked":   {int64(a.Blocked), int64(b.Blocked)}} {
			if d := math.Abs(float64(v[0] - v[1])); d > max(0.005*float64(v[0]), room) {
				apart = append(apart,
					fmt.Sprintf("%s: %s: record %d ns, count %d ns", name(a), what, v[0], v[1]))
			}
		}
	}
	t.Logf("record and count depth agree on %d tasks", compared)
	return apart
}

// comparePerf holds our report against perf: against its events, by the definitions of
// measurement.md, and those against its tables, by perf's own definitions.
func (r *peerRun) comparePerf(t *testing.T, clock *peerClock) {
	t.Helper()
	record := r.rows(&r.record)
	seen, perf := sumEvents(r.seen, r.tid), sumEvents(r.perf, r.tid)
	histOnCPU, histSpans := timehistOnCPU(r.perf)
	var close, histClose, listed, delays, billed, unseen, blurred int
	var worst float64
	for _, tid := range r.sortedTIDs() {
		a, s, p := record[tid], seen[tid], r.tables[tid]
		if s == nil || p == nil && histSpans[tid] > 0 {
			t.Errorf("%s: perf has not heard of it", name(a))
			continue
		}
		if p == nil {
			p = &perfTask{} // a thread whose only switch was its last, for which perf has no TID
		}
		if s.unseen > 0 {
			unseen += s.unseen
			blurred++
			// what no tracer saw, everyone makes up for in a way of his own: we by the kernel's
			// books
			continue
		}
		signalled := r.signalled[tid]
		if a.Switches.Voluntary != s.voluntary+signalled ||
			a.Switches.Involuntary != s.involuntary-signalled || a.Wakeups != s.wakeups {
			t.Errorf("%s: we count %d voluntary and %d involuntary switches, %d wake-ups; perf's events make that %d, %d (%d of them signalled), %d",
				name(a),
				a.Switches.Voluntary, a.Switches.Involuntary, a.Wakeups, s.voluntary, s.involuntary,
				signalled, s.wakeups)
		}
		room := int64(0) // the sum of all differences of the clocks
		single := int64(0)
		for _, off := range clock.byTask[tid] {
			room += abs(off)
			single = max(single, abs(off))
		}
		share := math.Abs(float64(int64(a.OnCPU)-s.onCPU)) / float64(s.onCPU)
		worst = max(worst, share)
		if share <= 0.005 {
			close++
		} else if abs(int64(a.OnCPU)-s.onCPU) > room {
			t.Errorf("%s: on CPU %d ns, by perf's events %d, and the clocks explain %d", name(a),
				int64(a.OnCPU), s.onCPU, room)
		}
		if n := len(s.waits); a.RunQueueLatency == nil || a.RunQueueLatency.N != uint64(n) {
			t.Errorf("%s: run-queue latencies: %v, by perf's events %d", name(a),
				a.RunQueueLatency, n)
		} else if l := a.RunQueueLatency; math.Abs(l.Mean-float64(mean(s.waits))) >
			float64(room/int64(n)+1) ||
			math.Abs(l.Max-float64(most(s.waits))) > float64(2*single+1) {
			t.Errorf("%s: run-queue latency: mean %.0f ns, max %.0f; by perf's events %d, %d",
				name(a), l.Mean, l.Max, mean(s.waits), most(s.waits))
		}
		if abs(int64(a.RunQueue)-s.waited) > room || abs(int64(a.Blocked)-s.blocked) > room {
			t.Errorf("%s: waited %d ns, blocked %d ns; by perf's events %d, %d; the clocks explain %d",
				name(a), int64(a.RunQueue), int64(a.Blocked), s.waited, s.blocked, room)
		}

		// Its tables have three decimals of a millisecond.
		if p.listed {
			listed++
			if p.spans != histSpans[tid] || abs(p.onCPU-histOnCPU[tid]) > 1000 {
				t.Errorf("%s: timehist: %d spans of %d ns; by its own rules %d of %d", name(a),
					p.spans, p.onCPU, histSpans[tid], histOnCPU[tid])
			}
			if math.Abs(float64(p.onCPU-int64(a.OnCPU))) <= 0.005*float64(a.OnCPU) {
				histClose++
			}
		}
		if clock.blind[tid] {
			continue // what it missed it makes up for in many ways
		}
		if late := perf[tid].late; p.late {
			delays++
			if p.delays != len(late) || abs(p.mean-mean(late)) > 1000 ||
				abs(p.max-most(late)) > 1000 {
				t.Errorf("%s: latency: %d delays, mean %d ns, max %d; by its own rules %d, %d, %d",
					name(a), p.delays, p.mean, p.max, len(late), mean(late), most(late))
			}
			if exec := r.exec(tid); abs(p.runtime-exec) <= 1000 {
				billed++
			} else if p.runtime > exec {
				t.Errorf("%s: latency: %d ns run time, and sum_exec_runtime is %d", name(a),
					p.runtime, exec)
			}
		} else if len(late) > 0 && p.listed {
			t.Errorf("%s: latency does not list it, with %d delays", name(a), len(late))
		}
	}
	if unseen > 0 {
		t.Logf("%d switches to %d tasks, or wakings of them, no tracer saw", unseen, blurred)
	}
	if 2*blurred > len(r.tid) {
		t.Errorf("of %d tasks of %d, events are missing in every recording", blurred, len(r.tid))
	}
	t.Logf("run time by perf's events: %d of %d tasks within 0.5 %%, the others as the clocks explain, %.2f %% at most; timehist's own: %d of %d; perf sched latency: %d tasks, the run time of %d is the kernel's",
		close, len(r.tid)-blurred, 100*worst, histClose, listed, delays, billed)
}

// exec returns the kernel's sum_exec_runtime of a task at its last switch, the low 32 bits.
func (r *peerRun) exec(tid int) (ns int64) {
	for i := range r.events {
		if e := &r.events[i]; e.Kind == event.Switch && r.tidOf(e.Task) == tid {
			ns = e.Value
		}
	}
	return ns
}

// compareBooks holds us against /proc, as the workload read it of its dead children.
func (r *peerRun) compareBooks(t *testing.T, rounds uint64) {
	t.Helper()
	for _, b := range r.books {
		// What the kernel counted before it was asked, and what it may have counted while it
		// answered.
		var voluntary, involuntary, in [2]uint64
		known, on, unseen := false, false, uint64(0)
		for i := range r.events {
			e := &r.events[i]
			if e.Kind != event.Switch || r.tidOf(e.Task) != b.TID && r.tidOf(e.Other) != b.TID {
				continue
			}
			known = true
			if r.tidOf(e.Other) != b.TID && !on {
				unseen++ // it left the CPU, and was not seen to come
			}
			on = r.tidOf(e.Other) == b.TID
			for end, until := range []int64{b.Before, b.After} {
				switch {
				case e.Time > until:
				case r.tidOf(e.Other) == b.TID:
					in[end]++
				case e.Flags&event.FlagVoluntary != 0:
					voluntary[end]++
				default:
					involuntary[end]++
				}
			}
		}
		if unseen > 0 {
			t.Logf("%s/%d: %d of its arrivals no tracer saw", b.Name, b.TID, unseen)
		}
		if !known {
			t.Errorf("%s/%d: no event of it", b.Name, b.TID)
		}
		for what, v := range map[string][3]uint64{"voluntary switches": {voluntary[0], b.NVCSW,
			voluntary[1]},
			"involuntary switches": {involuntary[0], b.NIVCSW, involuntary[1]},
			"arrivals":             {in[0] + unseen, b.Arrivals, in[1] + unseen}} {
			if what == "arrivals" && b.Arrivals == 0 {
				continue // not kept: no CONFIG_SCHED_INFO
			}
			if v[1] < v[0] || v[1] > v[2] {
				t.Errorf("%s/%d: %s: /proc has %d, we %d to %d", b.Name, b.TID, what,
					v[1], v[0], v[2])
			}
		}
		if exec := r.exec(b.TID); int64(uint32(b.Exec)) != exec {
			t.Errorf("%s/%d: run time: schedstat has %d ns, and its last switch %d", b.Name, b.TID,
				b.Exec, exec)
		}
		if rounds > 0 && b.NVCSW != rounds+1 {
			// A sleep that is over before it began, on a machine that was stopped meanwhile.
			t.Logf("%s/%d: the kernel counted %d voluntary switches in %d sleeps and an end",
				b.Name, b.TID, b.NVCSW, rounds)
		}
	}
	t.Logf("/proc agrees on %d tasks", len(r.books))
}

// compareRunqlat holds us against runqlat's counts. It asks for the state that a task that was
// preempted has, and takes one that was on its way to sleep for asleep: of such a wait it learns
// only if a waking comes in between.
func (r *peerRun) compareRunqlat(t *testing.T) {
	t.Helper()
	if r.runqlat == nil {
		return
	}
	halfway := map[int]int{}
	for i := range r.events {
		if e := &r.events[i]; e.Kind == event.Switch && e.Flags&event.FlagPreempt != 0 &&
			e.State != 0 {
			halfway[r.tidOf(e.Task)]++
		}
	}
	exact, ours, theirs := 0, 0, 0
	record, seen := r.rows(&r.record), sumEvents(r.seen, r.tid)
	for _, tid := range r.sortedTIDs() {
		unseen := 0 // it goes by sched_wakeup, which may be seen where sched_waking is not
		if s := seen[tid]; s != nil {
			unseen = s.unseen
		}
		k, n := record[tid], 0
		if k.RunQueueLatency != nil {
			n = int(k.RunQueueLatency.N)
		}
		got := r.runqlat[tid]
		ours, theirs = ours+n, theirs+got
		switch {
		case got == n:
			exact++
		case got > n+unseen || got < n-halfway[tid]-unseen:
			t.Errorf("%s: runqlat counted %d waits, we %d, %d of them on the way to sleep", name(k),
				got, n, halfway[tid])
		}
	}
	t.Logf("runqlat: %d waits, we %d; %d of %d tasks the same, the others as explained", theirs,
		ours, exact, len(r.tid))
}

func abs(n int64) int64 { return max(n, -n) }
