package sched

import (
	"fmt"
	"strings"
	"testing"

	"switchyard/trace/event"
	"switchyard/trace/hist"
)

// times is how a test writes what a task did.
func times(t *Totals) string {
	s := fmt.Sprintf("on %d blocked %d queue %d", t.OnCPU, t.Blocked, t.RunQueue)
	if t.Unknown != 0 {
		s += fmt.Sprintf(" unknown %d", t.Unknown)
	}
	return s
}

func dist(h *hist.Histogram) string { return fmt.Sprintf("%d×%d", h.Count(), h.Sum()) }

func pairList(list []Pair) string {
	var b strings.Builder
	for _, p := range list {
		by := fmt.Sprint(int32(p.By))
		switch {
		case p.Interrupt == event.FlagHardIRQ:
			by = "hardirq"
		case p.Interrupt == event.FlagSoftIRQ:
			by = "softirq"
		case p.Interrupt == event.FlagNMI:
			by = "nmi"
		case p.By == event.NoTask:
			by = "?"
		}
		fmt.Fprintf(&b, "%s>%d:%d×%d ", by, p.Of, p.Count, p.Time)
	}
	return strings.TrimSpace(b.String())
}

// The window of the tests below is 1000 to 2000, where they do not say otherwise. Task 1 is what
// they are about; on CPU 0 and 1, -1 and -2 are idle.
var rules = []struct {
	name    string
	window  event.Window
	partial bool
	do      func(s *tiny) (start, end []event.Snapshot, lost []event.Lost)
	want    map[string]string // what, and what it is; keys of show below
}{
	{
		name: "a wake-up: blocked to the first waking, then on a queue, then on the CPU",
		do: func(s *tiny) (start, end []event.Snapshot, lost []event.Lost) {
			start = append(start, s.snap(900, 1, 0, event.OnCPU), s.snap(901, 2, 1, event.OnCPU))
			s.sw(1100, 0, 1, -1, sleeps)
			s.wake(1300, 1, 1, 2, 0)
			s.sw(1350, 0, -1, 1, sleeps)
			s.sw(1700, 0, 1, -1, sleeps)
			end = append(end, s.snap(2100, 1, 0, event.Blocked), s.snap(2101, 2, 1, event.OnCPU))
			return
		},
		want: map[string]string{
			"1":          "on 450 blocked 500 queue 50",
			"switches":   "voluntary 2 involuntary 0 yields 0 lazy 2 address-space 1",
			"wakeups":    "1 irq 0 spurious 0 early 0",
			"wakeup":     "1×50",
			"queue":      "1×50",
			"span":       "1×350", // the first one began before the window
			"blocked":    "1×200",
			"censored":   "2×400",
			"wakers":     "2>1:1×50",
			"preemptors": "",
			"nvcsw":      "pass 2 2",
			"nivcsw":     "pass 0 0",
			"life":       "pass 2000 2000",
			"tasks":      "pass 2 2",
			"exec":       "pass 350 350",
		},
	},
	{
		name: "an involuntary switch-out: on a queue at once, and no wake-up latency",
		do: func(s *tiny) (start, end []event.Snapshot, lost []event.Lost) {
			start = append(start, s.snap(900, 1, 0, event.OnCPU), s.snap(901, 2, 0, event.Runnable))
			s.sw(1100, 0, 1, 2, preempted)
			s.sw(1400, 0, 2, 1, preempted)
			s.sw(1600, 0, 1, 2, preempted)
			end = append(end, s.snap(2100, 1, 0, event.Runnable), s.snap(2101, 2, 0, event.OnCPU))
			return
		},
		want: map[string]string{
			"1":          "on 300 blocked 0 queue 700",
			"2":          "on 700 blocked 0 queue 300",
			"switches":   "voluntary 0 involuntary 2 yields 0 lazy 0 address-space 1",
			"wakeup":     "0×0",
			"queue":      "1×300",
			"censored":   "2×500",
			"preemptors": "2>1:2×700 1>2:1×200",
			"wakers":     "",
			"nivcsw":     "pass 3 3",
			"cpu0":       "busy 1000 idle 0 unknown 0",
			"lengths":    "[0 1000]",
		},
	},
	{
		name: "sched_yield is involuntary, counted apart, and nobody's preemption",
		do: func(s *tiny) (start, end []event.Snapshot, lost []event.Lost) {
			start = append(start, s.snap(900, 1, 0, event.OnCPU), s.snap(901, 2, 0, event.Runnable))
			s.sw(1100, 0, 1, 2, yields)
			s.sw(1400, 0, 2, 1, yields)
			return
		},
		want: map[string]string{
			"1":          "on 700 blocked 0 queue 300",
			"switches":   "voluntary 0 involuntary 1 yields 1 lazy 0 address-space 1",
			"queue":      "1×300",
			"preemptors": "",
		},
	},
	{
		name: "idle is never timed and never preempted",
		do: func(s *tiny) (start, end []event.Snapshot, lost []event.Lost) {
			start = append(start, s.snap(900, 1, 0, event.Blocked))
			s.wake(1200, 0, 1, -1, 0).Flags |= event.FlagHardIRQ
			s.sw(1210, 0, -1, 1, preempted)
			s.sw(1500, 0, 1, -1, sleeps)
			return
		},
		want: map[string]string{
			"1":          "on 290 blocked 700 queue 10",
			"rows":       "1",
			"preemptors": "",
			"wakers":     "hardirq>1:1×10",
			"wakeups":    "1 irq 1 spurious 0 early 0",
			"cpu0":       "busy 290 idle 710 unknown 0",
			"cpu":        "pass 2000 2000",
		},
	},
	{
		name: "only the first waking counts; the waker in a softirq is the softirq; an NMI is the innermost",
		do: func(s *tiny) (start, end []event.Snapshot, lost []event.Lost) {
			start = append(start, s.snap(900, 1, 0, event.OnCPU), s.snap(901, 2, 1, event.OnCPU))
			s.sw(1100, 0, 1, -1, sleeps)
			s.wake(1200, 1, 1, 2, 0).Flags |= event.FlagSoftIRQ
			s.wake(1300, 1, 1, 2, 0)
			s.sw(1350, 0, -1, 1, sleeps)
			s.sw(1400, 0, 1, -1, sleeps)
			s.wake(1500, 1, 1, 2, 0).Flags |= event.FlagSoftIRQ | event.FlagHardIRQ | event.FlagNMI
			s.sw(1600, 0, -1, 1, sleeps)
			return
		},
		want: map[string]string{
			"1":       "on 550 blocked 200 queue 250",
			"wakeups": "2 irq 2 spurious 1 early 0",
			"wakers":  "softirq>1:1×150 nmi>1:1×100",
			"wakeup":  "2×250",
		},
	},
	{
		name: "a waking while on a CPU is spurious when another follows",
		do: func(s *tiny) (start, end []event.Snapshot, lost []event.Lost) {
			start = append(start, s.snap(900, 1, 0, event.OnCPU), s.snap(901, 2, 1, event.OnCPU))
			s.wake(1099, 1, 1, 2, 0)
			s.sw(1100, 0, 1, -1, sleeps)
			s.wake(1300, 1, 1, 2, 0)
			s.sw(1350, 0, -1, 1, sleeps)
			return
		},
		want: map[string]string{
			"1":       "on 750 blocked 200 queue 50",
			"wakeups": "1 irq 0 spurious 1 early 0",
			"wakers":  "2>1:1×50",
		},
	},
	{
		name: "a waking that comes before its switch-out is the wake-up when no other follows",
		do: func(s *tiny) (start, end []event.Snapshot, lost []event.Lost) {
			start = append(start, s.snap(900, 1, 0, event.OnCPU), s.snap(901, 2, 1, event.OnCPU))
			s.wake(1099, 1, 1, 2, 0)
			s.sw(1100, 0, 1, -1, sleeps)
			s.sw(1350, 0, -1, 1, sleeps)
			s.sw(1450, 0, 1, -1, sleeps)
			return
		},
		want: map[string]string{
			"1":       "on 200 blocked 550 queue 250",
			"wakeups": "1 irq 0 spurious 0 early 1",
			"wakeup":  "1×250",
			"blocked": "0×0", // it would be −1
			"wakers":  "2>1:1×250",
		},
	},
	{
		name: "a signal keeps a task that gave the CPU up runnable: only its counter says voluntary",
		do: func(s *tiny) (start, end []event.Snapshot, lost []event.Lost) {
			start = append(start, s.snap(900, 1, 0, event.OnCPU), s.snap(901, 2, 0, event.Runnable))
			s.sw(1100, 0, 1, 2, signalled)
			s.sw(1300, 0, 2, 1, sleeps)
			end = append(end, s.snap(2100, 1, 0, event.OnCPU), s.snap(2100, 2, 0, event.Blocked))
			return
		},
		want: map[string]string{
			"1":          "on 800 blocked 0 queue 200",
			"switches":   "voluntary 1 involuntary 0 yields 0 lazy 0 address-space 1",
			"queue":      "1×200",
			"preemptors": "",
			"nvcsw":      "pass 2 2",
		},
	},
	{
		name: "prev_state is a mask, and a task preempted on its way to sleep is runnable",
		do: func(s *tiny) (start, end []event.Snapshot, lost []event.Lost) {
			start = append(start, s.snap(900, 1, 0, event.OnCPU), s.snap(901, 2, 0, event.Runnable))
			e := s.sw(1100, 0, 1, 2, preempted)
			e.State, e.Flags = event.StateInterruptible|event.StateFreezable,
				e.Flags|event.FlagPreempt
			s.sw(1300, 0, 2, 1, preempted)
			s.sw(1400, 0, 1, 2, sleeps).State = event.StateInterruptible | event.StateFreezable
			return
		},
		want: map[string]string{
			"1":          "on 200 blocked 600 queue 200",
			"preemptors": "2>1:1×200 1>2:1×100",
			"switches":   "voluntary 1 involuntary 1 yields 0 lazy 0 address-space 1",
		},
	},
	{
		name: "a new task's life begins at its first waking, which is no wake-up, and ends at its last switch",
		do: func(s *tiny) (start, end []event.Snapshot, lost []event.Lost) {
			start = append(start, s.snap(900, 2, 0, event.OnCPU))
			s.fork(1100, 0, 1, 2, 1)
			s.sw(1150, 1, -2, 1, sleeps)
			s.sw(1400, 1, 1, -2, dies)
			s.add(event.Event{Kind: event.Free, Time: 1500, Task: 1})
			end = append(end, s.snap(2100, 2, 0, event.OnCPU))
			return
		},
		want: map[string]string{
			"1":          "on 250 blocked 0 queue 49",
			"life":       "pass 1299 1299",
			"wakeups":    "0 irq 0 spurious 0 early 0",
			"queue":      "1×49",
			"wakeup":     "0×0",
			"span":       "1×250",
			"switches":   "voluntary 1 involuntary 0 yields 0 lazy 1 address-space 1",
			"nvcsw":      "pass 1 1",
			"tasks":      "pass 1 1",
			"appeared":   "1 1",
			"migrations": "0 fork 0 wake 0 exec 0 balance 0 forced 0 away 1",
			"forks":      "1",
		},
	},
	{
		name: "intervals that reach over the window count with what is inside and are in no distribution",
		do: func(s *tiny) (start, end []event.Snapshot, lost []event.Lost) {
			s.sw(800, 0, -1, 1, sleeps)
			s.sw(900, 0, 1, -1, sleeps)
			s.wake(990, 1, 1, 2, 0)
			s.sw(1010, 0, -1, 1, sleeps)
			s.sw(1020, 0, 1, -1, sleeps)
			s.wake(1990, 1, 1, 2, 0)
			s.sw(2010, 0, -1, 1, sleeps)
			s.sw(2020, 0, 1, -1, sleeps)
			return
		},
		want: map[string]string{
			"1":        "on 10 blocked 970 queue 20",
			"wakeup":   "0×0",
			"span":     "1×10",
			"blocked":  "1×970",
			"censored": "2×20",
			"wakeups":  "1 irq 0 spurious 0 early 0",
			"wakers":   "2>1:1×20",
			"switches": "voluntary 1 involuntary 0 yields 0 lazy 1 address-space 1",
		},
	},
	{
		name: "a task that nothing happens to is what the snapshot says",
		do: func(s *tiny) (start, end []event.Snapshot, lost []event.Lost) {
			start = append(start, s.snap(900, 1, 0, event.Runnable), s.snap(901, 2, 0, event.OnCPU),
				s.snap(902, 3, 1, event.Blocked))
			end = append(end, s.snap(2100, 1, 0, event.Runnable), s.snap(2101, 2, 0, event.OnCPU),
				s.snap(2102, 3, 1, event.Blocked))
			return
		},
		want: map[string]string{
			"1":      "on 0 blocked 0 queue 1000",
			"2":      "on 1000 blocked 0 queue 0",
			"3":      "on 0 blocked 1000 queue 0",
			"cpu0":   "busy 1000 idle 0 unknown 0",
			"cpu1":   "busy 0 idle 1000 unknown 0",
			"life":   "pass 3000 3000",
			"nvcsw":  "pass 0 0",
			"exec":   "unavailable 0 0",
			"waste":  "0×0 longest 0",
			"chain":  "pass 0 0",
			"events": "0",
		},
	},
	{
		name: "events before the snapshot tell more than the snapshot",
		do: func(s *tiny) (start, end []event.Snapshot, lost []event.Lost) {
			s.sw(700, 0, -1, 1, sleeps)
			s.sw(800, 0, 1, -1, sleeps)
			start = append(start, s.snap(850, 1, 0, event.OnCPU)) // read as it was leaving
			s.task(1).in = -1
			s.wake(1500, 1, 1, 2, 0)
			s.sw(1600, 0, -1, 1, sleeps)
			s.sw(1700, 0, 1, -1, sleeps)
			end = append(end, s.snap(2100, 1, 0, event.Blocked))
			return
		},
		want: map[string]string{
			"1":       "on 100 blocked 800 queue 100",
			"nvcsw":   "pass 1 1", // the one at 800 is in the first snapshot already
			"wakeup":  "1×100",
			"blocked": "0×0",
		},
	},
	{
		name: "a snapshot in the middle of a switch-in",
		do: func(s *tiny) (start, end []event.Snapshot, lost []event.Lost) {
			start = append(start, s.snap(900, 1, 0, event.OnCPU))
			s.task(1).in = -1
			s.sw(902, 0, -1, 1, sleeps)
			s.sw(1500, 0, 1, -1, sleeps)
			end = append(end, s.snap(2100, 1, 0, event.Blocked))
			return
		},
		want: map[string]string{"1": "on 500 blocked 500 queue 0", "nvcsw": "pass 1 1",
			"life": "pass 1000 1000"},
	},
	{
		name: "a snapshot in the middle of a switch-out: its counters have the switch already",
		do: func(s *tiny) (start, end []event.Snapshot, lost []event.Lost) {
			snap := s.snap(900, 1, 0, event.OnCPU)
			snap.NVCSW++
			start = append(start, snap)
			s.sw(902, 0, 1, -1, sleeps)
			s.wake(1400, 1, 1, 2, 0)
			s.sw(1500, 0, -1, 1, sleeps)
			s.sw(1600, 0, 1, -1, sleeps)
			end = append(end, s.snap(2100, 1, 0, event.Blocked))
			return
		},
		want: map[string]string{"1": "on 100 blocked 800 queue 100", "nvcsw": "pass 1 1"},
	},
	{
		name: "without a snapshot a task that lived before is not known",
		do: func(s *tiny) (start, end []event.Snapshot, lost []event.Lost) {
			s.wake(1400, 1, 1, 2, 0)
			s.sw(1500, 0, -1, 1, sleeps)
			s.sw(1600, 0, 1, -1, sleeps)
			return
		},
		want: map[string]string{
			"1":     "on 100 blocked 400 queue 100",
			"life":  "pass 600 600",
			"nvcsw": "unavailable 0 0",
			"rows":  "1",
		},
	},
	{
		name: "a switch-in that was not seen: the kernel's run time says when it was",
		do: func(s *tiny) (start, end []event.Snapshot, lost []event.Lost) {
			start = append(start, s.snap(900, 1, 0, event.Blocked), s.snap(901, 2, 0, event.OnCPU))
			s.wake(1100, 1, 1, 2, 0)
			s.task(1).in = 1150 // from a task that is kept from tracing
			s.sw(1400, 0, 1, -1, sleeps)
			end = append(end, s.snap(2100, 1, 0, event.Blocked), s.snap(2100, 2, 0, event.OnCPU))
			return
		},
		want: map[string]string{
			"1":      "on 250 blocked 700 queue 50",
			"wakeup": "0×0",
			"span":   "0×0",
			"unseen": "switches 1 wakings 0 inferred 250",
			"nvcsw":  "pass 1 1",
			"chain":  "pass 0 0",
		},
	},
	{
		name: "a task that comes back without a waking was blocked all the time, and that is said",
		do: func(s *tiny) (start, end []event.Snapshot, lost []event.Lost) {
			start = append(start, s.snap(900, 1, 0, event.OnCPU))
			s.sw(1100, 0, 1, -1, sleeps)
			s.sw(1400, 0, -1, 1, sleeps)
			return
		},
		want: map[string]string{
			"1":       "on 700 blocked 300 queue 0",
			"blocked": "0×0",
			"unseen":  "switches 0 wakings 1 inferred 0",
			"wakeups": "0 irq 0 spurious 0 early 0",
		},
	},
	{
		name: "switches that are missing are found by the counters, and what was in between is not guessed",
		do: func(s *tiny) (start, end []event.Snapshot, lost []event.Lost) {
			start = append(start, s.snap(900, 1, 0, event.OnCPU), s.snap(901, 2, 1, event.OnCPU))
			s.sw(1100, 0, 1, -1, sleeps)
			s.wake(1200, 1, 1, 2, 0)
			s.sw(1250, 0, -1, 1, sleeps)
			n := len(s.events)
			s.sw(1350, 0, 1, -1, sleeps) // lost, from here
			s.wake(1360, 1, 1, 2, 0)
			s.sw(1370, 0, -1, 1, preempted) // to here
			s.events = s.events[:n]
			s.sw(1500, 0, 1, -1, sleeps)
			end = append(end, s.snap(2100, 1, 0, event.Blocked), s.snap(2100, 2, 0, event.OnCPU))
			lost = append(lost, event.Lost{CPU: 0, First: 1350, Last: 1370, Count: 2},
				event.Lost{CPU: 1, First: 1360, Last: 1360, Count: 1})
			return
		},
		want: map[string]string{
			"1":       "on 330 blocked 500 queue 0 unknown 170", // 100 + 230 by sum_exec_runtime
			"unseen":  "switches 0 wakings 0 inferred 230",
			"missing": "1 0",
			"wakeup":  "0×0",
			"span":    "0×0",
			"nvcsw":   "fail 2 3",
			"life":    "fail 1830 2000",
			"cpu0":    "busy 330 idle 650 unknown 20",
			"wakers":  "2>1:1×0",
			"exec":    "unavailable 0 0",
		},
	},
	{
		name: "intervals that touch a loss where their ends may have been are marked",
		do: func(s *tiny) (start, end []event.Snapshot, lost []event.Lost) {
			start = append(start, s.snap(900, 1, 0, event.OnCPU), s.snap(901, 2, 1, event.OnCPU))
			s.sw(1100, 0, 1, -1, sleeps)
			s.wake(1200, 1, 1, 2, 0)
			s.sw(1250, 0, -1, 1, sleeps)
			s.sw(1500, 0, 1, -1, sleeps)
			// not on the CPU it ran on
			lost = append(lost, event.Lost{CPU: 1, First: 1150, Last: 1400, Count: 7})
			return
		},
		want: map[string]string{
			"1":        "on 350 blocked 600 queue 50",
			"touched":  "2×150", // blocked and waiting
			"touched2": "1×1000",
			"cpu1":     "busy 150 idle 0 unknown 850",
		},
	},
	{
		name: "a switch missing at the end is found by the second snapshot",
		do: func(s *tiny) (start, end []event.Snapshot, lost []event.Lost) {
			start = append(start, s.snap(900, 1, 0, event.OnCPU))
			s.sw(1100, 0, 1, -1, sleeps)
			s.wake(1200, 1, 1, 2, 0)
			s.sw(1250, 0, -1, 1, sleeps)
			n := len(s.events)
			s.sw(1500, 0, 1, -1, sleeps)
			s.events = s.events[:n]
			end = append(end, s.snap(2100, 1, 0, event.Blocked))
			return
		},
		want: map[string]string{
			"1":       "on 100 blocked 0 queue 0 unknown 900",
			"nvcsw":   "fail 1 2",
			"missing": "1 0",
		},
	},
	{
		name: "clocks disagree: a task comes to a CPU before it leaves the other",
		do: func(s *tiny) (start, end []event.Snapshot, lost []event.Lost) {
			start = append(start, s.snap(900, 1, 0, event.OnCPU), s.snap(901, 2, 1, event.OnCPU))
			s.sw(1100, 1, 2, 1, sleeps) // in truth at 1105
			s.task(1).in = 900
			s.sw(1102, 0, 1, -1, preempted)
			s.task(1).in = 1102
			s.sw(1300, 1, 1, 2, sleeps)
			end = append(end, s.snap(2100, 1, 1, event.Blocked), s.snap(2101, 2, 1, event.OnCPU))
			return
		},
		want: map[string]string{
			"1":        "on 300 blocked 700 queue 0",
			"negative": "1",
			"nvcsw":    "pass 2 2",
			"nivcsw":   "pass 1 1",
		},
	},
	{
		name: "migrations by cause",
		do: func(s *tiny) (start, end []event.Snapshot, lost []event.Lost) {
			start = append(start, s.snap(900, 1, 0, event.Blocked), s.snap(901, 2, 1, event.OnCPU),
				s.snap(902, 3, 0, event.Runnable))
			s.wake(1100, 1, 1, 2, 0)
			s.migrate(1101, 1, 1, 2, 1) // at the wake-up
			// pulled by an idle CPU
			s.migrate(1200, 0, 1, -1, 0)
			s.sw(1210, 0, -1, 1, sleeps)                                      //
			s.sw(1300, 0, 1, 3, preempted).OtherPrio = stopper                // 3 is the stopper
			s.migrate(1301, 0, 1, 3, 1)                                       // by it,
			s.sw(1310, 0, 3, -1, sleeps)                                      //
			s.sw(1350, 1, 2, 1, preempted)                                    //
			s.add(event.Event{Kind: event.Exec, Time: 1360, CPU: 1, Task: 1}) // for an exec
			s.sw(1400, 1, 1, 2, preempted)                                    //
			s.migrate(1410, 1, 1, 2, 0).Flags |= event.FlagSoftIRQ            // the balancer
			// sched_setaffinity by 2
			s.migrate(1420, 1, 1, 2, 0)
			s.migrate(2420, 1, 1, 2, 0) // after the window
			return
		},
		want: map[string]string{
			"migrations": "5 fork 0 wake 1 exec 1 balance 2 forced 1 away 0",
			"execs":      "1",
		},
	},
	{
		name: "the queue a waking joins is that of the CPU it is moved to, and an idle CPU's own wakee is no waste",
		do: func(s *tiny) (start, end []event.Snapshot, lost []event.Lost) {
			start = append(start, s.snap(900, 1, 0, event.Blocked), s.snap(901, 2, 0, event.OnCPU),
				s.snap(902, 3, 0, event.Blocked))
			s.sw(950, 0, 2, 2, preempted) // so that who is on the CPUs is known
			s.sw(951, 1, 3, -2, sleeps)
			s.wake(1100, 0, 1, 2, 0)
			s.migrate(1101, 0, 1, 2, 1)
			s.sw(1110, 1, -2, 1, sleeps)
			s.sw(1200, 1, 1, -2, sleeps)
			s.wake(1300, 0, 3, 2, 0) // stays, while CPU 1 idles
			s.sw(1400, 0, 2, 3, sleeps)
			return
		},
		want: map[string]string{
			"lengths":  "[890 110]",
			"lengths0": "[900 100]",
			"lengths1": "[991 9]",
			"waste":    "1×100 longest 100",
		},
	},
	{
		name: "a chain hands on what its tasks waited, and ends where it comes back",
		do: func(s *tiny) (start, end []event.Snapshot, lost []event.Lost) {
			start = append(start, s.snap(900, 1, 0, event.Blocked),
				s.snap(901, 2, 1, event.Blocked), s.snap(902, 3, 1, event.Blocked))
			s.wake(1000, 0, 1, -1, 0).Flags |= event.FlagHardIRQ
			s.sw(1010, 0, -1, 1, sleeps)   // 1 waited 10
			s.wake(1020, 0, 2, 1, 1)       //
			s.sw(1050, 1, -2, 2, sleeps)   // 2 waited 30, compound 40
			s.sw(1060, 1, 2, 3, preempted) // 3 was never woken: no chain
			s.sw(1160, 1, 3, 2, sleeps)    // 2 waited 100 more
			s.sw(1170, 0, 1, -1, sleeps)   //
			s.wake(1180, 1, 1, 2, 0)       // back to 1: 2's 130
			s.sw(1187, 0, -1, 1, sleeps)   // and its own 7
			return
		},
		want: map[string]string{
			"compound":  "2×147", // 10, and 137
			"compound2": "1×40",
			"chains":    "1:137(2:130) 2:40(1:10) 1:10()",
		},
	},
	{
		name: "a chain break that no loss explains",
		do: func(s *tiny) (start, end []event.Snapshot, lost []event.Lost) {
			start = append(start, s.snap(900, 1, 0, event.OnCPU), s.snap(901, 2, 0, event.Blocked))
			s.sw(1100, 0, 1, -1, sleeps)
			s.sw(1400, 0, 2, -1, sleeps)
			s.sw(1500, 0, -1, 2, sleeps)
			return
		},
		want: map[string]string{
			"chain": "fail 1 2",
			"cpu0":  "busy 600 idle 100 unknown 300",
			"cpu":   "fail 1700 2000",
		},
	},
	{
		name:    "of a recording of some tasks nothing is said of others, nor of CPUs",
		partial: true,
		do: func(s *tiny) (start, end []event.Snapshot, lost []event.Lost) {
			start = append(start, s.snap(900, 1, 0, event.OnCPU))
			s.sw(1100, 0, 1, 2, preempted).Flags &^= event.FlagOtherTraced
			s.sw(1400, 0, 3, 1, preempted).Flags &^= event.FlagTaskTraced
			end = append(end, s.snap(2100, 1, 0, event.OnCPU))
			return
		},
		want: map[string]string{
			"1":          "on 700 blocked 0 queue 300",
			"tasks":      "pass 1 1",
			"rows":       "1",
			"cpu":        "unavailable 0 0",
			"chain":      "unavailable 0 0",
			"ctxt":       "unavailable 0 0",
			"preemptors": "2>1:1×300",
			"cpus":       "0",
		},
	},
}

func checkOf(r *Result, name string) string {
	c := r.check(name)
	return fmt.Sprintf("%s %d %d", c.Status, c.Traced, c.Kernel)
}

// show returns what a test asks for by a key.
func show(r *Result, key string) string {
	t := r.task(1)
	switch key {
	case "1", "2", "3":
		return times(&r.task(event.TaskID(key[0] - '0')).Totals)
	case "switches":
		s := &t.Switches
		return fmt.Sprintf("voluntary %d involuntary %d yields %d lazy %d address-space %d",
			s.Voluntary, s.Involuntary, s.Yields, s.Lazy, s.AddressSpace)
	case "wakeups":
		return fmt.Sprintf("%d irq %d spurious %d early %d", t.Wakeups, t.WakeupsByInterrupt,
			t.SpuriousWakeups, t.EarlyWakeups)
	case "migrations":
		m := &t.Migrations
		return fmt.Sprintf("%d fork %d wake %d exec %d balance %d forced %d away %d", m.Total,
			m.AtFork, m.AtWakeup, m.AtExec, m.Balancing, m.Forced, m.ForkedAway)
	case "wakeup":
		return dist(&t.WakeupLatency)
	case "queue":
		return dist(&t.RunQueueLatency)
	case "span":
		return dist(&t.OnCPUSpan)
	case "blocked":
		return dist(&t.BlockedTime)
	case "compound":
		return dist(&t.CompoundDelay)
	case "compound2":
		return dist(&r.task(2).CompoundDelay)
	case "censored":
		return fmt.Sprintf("%d×%d", t.Censored.Count, t.Censored.Time)
	case "touched":
		return fmt.Sprintf("%d×%d", t.Touched.Count, t.Touched.Time)
	case "touched2":
		return fmt.Sprintf("%d×%d", r.task(2).Touched.Count, r.task(2).Touched.Time)
	case "unseen":
		return fmt.Sprintf("switches %d wakings %d inferred %d", t.UnseenSwitches, t.UnseenWakings,
			t.Inferred)
	case "missing":
		return fmt.Sprint(t.MissingVoluntary, t.MissingInvoluntary)
	case "negative":
		return fmt.Sprint(t.NegativeIntervals)
	case "execs":
		return fmt.Sprint(t.Execs)
	case "forks":
		return fmt.Sprint(r.task(2).Forks)
	case "appeared":
		return fmt.Sprint(r.Appeared, r.Disappeared)
	case "rows":
		return fmt.Sprint(len(r.Tasks))
	case "cpus":
		return fmt.Sprint(len(r.CPUs))
	case "events":
		return fmt.Sprint(r.Events)
	case "preemptors":
		return pairList(r.Preemptors)
	case "wakers":
		return pairList(r.Wakers)
	case "cpu0", "cpu1":
		c := r.CPUs[key[3]-'0']
		return fmt.Sprintf("busy %d idle %d unknown %d", c.Busy, c.Idle, c.Unknown)
	case "lengths":
		return nsList(r.Queue)
	case "lengths0", "lengths1":
		return nsList(r.CPUs[key[7]-'0'].Queue)
	case "waste":
		return fmt.Sprintf("%d×%d longest %d", r.Waste.Count, r.Waste.Time, r.Waste.Longest)
	case "chains":
		var list []string
		for _, c := range r.Chains {
			var links []string
			for _, l := range c.Links {
				links = append(links, fmt.Sprintf("%d:%d", l.Task, l.Own))
			}
			list = append(list, fmt.Sprintf("%d:%d(%s)", c.Task, c.Compound,
				strings.Join(links, " ")))
		}
		return strings.Join(list, " ")
	case "exec":
		return checkOf(r, "sum_exec_runtime")
	case "nvcsw", "nivcsw", "life", "tasks", "cpu", "chain", "ctxt", "run_delay":
		return checkOf(r, key)
	}
	return "no such key"
}

func nsList(q Queue) string {
	list := []int64{}
	for _, d := range q.Time {
		list = append(list, int64(d))
	}
	return fmt.Sprint(list)
}

func TestRules(t *testing.T) {
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) {
			s := newTiny()
			start, end, lost := rule.do(s)
			w := rule.window
			if w == (event.Window{}) {
				w = event.Window{Open: 1000, Close: 2000}
			}
			r := analyse(w, Options{All: !rule.partial, CPUs: 2}, nil, start, s.events, end,
				lost...)
			for key, want := range rule.want {
				if got := show(r, key); got != want {
					t.Errorf("%s: got %s, want %s", key, got, want)
				}
			}
			if t.Failed() {
				for _, c := range r.Checks {
					t.Logf("%+v", c)
				}
			}
		})
	}
}
