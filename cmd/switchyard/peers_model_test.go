package main

import (
	"cmp"
	"slices"
)

// A peerSum is what measurement.md's definitions make of the events that perf recorded of one task:
// an account of its own, which shares nothing with internal/sched.
type peerSum struct {
	voluntary, involuntary uint64
	spans                  int   // switches to it
	onCPU                  int64 // switch-in to switch-out
	wakeups                uint64
	// runnable to on-CPU: from the first waking, or from an involuntary switch away
	waits   []int64
	waited  int64
	late    []int64 // the same from sched_wakeup, as perf sched latency has it
	blocked int64
	// unseen are switches to it, and wakings, that must have been and are in no recording: nobody
	// sees what happens while a task that the kernel keeps from tracing is current (sched.Result
	// has those as Hidden).
	unseen int
}

// sumEvents makes them of one CPU's lists each.
func sumEvents(byCPU map[int][]sighting, tid map[int]bool) map[int]*peerSum {
	var all []sighting
	for _, list := range byCPU {
		for _, s := range list {
			if tid[s.task] || s.what == "switch" && tid[s.other] {
				all = append(all, s)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b sighting) int { return cmp.Compare(a.time, b.time) })

	type state struct {
		peerSum
		in, out, runnable, wakeup int64
		early                     bool // woken on its way to sleep, or for nothing
		on                        bool
	}
	tasks := map[int]*state{}
	of := func(n int) *state {
		if tasks[n] == nil {
			tasks[n] = &state{}
		}
		return tasks[n]
	}
	for _, s := range all {
		k := of(s.task)
		switch s.what {
		case "wakeup":
			if !k.on && k.wakeup == 0 {
				k.wakeup = s.time
			}
		case "waking", "wake_new":
			if s.what == "wake_new" {
				k.wakeup = s.time
			}
			switch {
			case k.on:
				k.early = true
			case k.runnable == 0:
				k.runnable = s.time
				if k.out > 0 {
					k.blocked += s.time - k.out
				}
				if s.what == "waking" {
					k.wakeups++
				}
			}
		case "switch":
			if tid[s.task] {
				if !k.on {
					k.unseen++
				}
				k.onCPU += s.time - k.in
				k.on, k.out, k.runnable, k.wakeup = false, s.time, 0, 0
				if s.voluntary {
					k.voluntary++
				} else {
					k.involuntary++
					k.runnable = s.time
					if !s.inKernel {
						k.wakeup = s.time
					}
				}
			}
			if n := of(s.other); tid[s.other] {
				if n.runnable == 0 && n.early {
					n.runnable = n.out
					n.wakeups++
				}
				if n.runnable == 0 || n.on {
					n.unseen++
				}
				n.waits = append(n.waits, s.time-n.runnable)
				n.waited += s.time - n.runnable
				if n.wakeup > 0 {
					n.late = append(n.late, s.time-n.wakeup)
				}
				n.spans++
				n.in, n.on, n.early = s.time, true, false
			}
		}
	}
	sums := map[int]*peerSum{}
	for n, k := range tasks {
		if tid[n] {
			sums[n] = &k.peerSum
		}
	}
	return sums
}

// timehistOnCPU is how perf sched timehist adds up time on a CPU, which is from the switch before
// on that CPU to the one away from the task. A switch away from a task that has just lost its TID
// (nobody) it passes over: its last span is not counted, and the next task's begins with that span.
func timehistOnCPU(byCPU map[int][]sighting) (onCPU map[int]int64, spans map[int]int) {
	onCPU, spans = map[int]int64{}, map[int]int{}
	for _, list := range byCPU {
		var before int64
		for _, s := range list {
			if s.what != "switch" {
				continue
			}
			if !s.nobody {
				if before > 0 {
					onCPU[s.task] += s.time - before
				}
				spans[s.task]++
			}
			before = s.time
		}
	}
	return onCPU, spans
}

func mean(list []int64) int64 {
	if len(list) == 0 {
		return 0
	}
	var sum int64
	for _, v := range list {
		sum += v
	}
	return sum / int64(len(list))
}

func most(list []int64) int64 {
	if len(list) == 0 {
		return 0
	}
	return slices.Max(list)
}
