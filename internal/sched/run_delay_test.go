package sched

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"switchyard/trace/event"
)

// pingPong is a hundred switches between two tasks on one CPU, 1 and 2, that wake each other and
// sleep, and what the kernel has of their waits: on the queue 250 ns after the waking, and off it
// 70 ns before the switch.
func pingPong() (s *tiny, start, end []event.Snapshot) {
	s = newTiny()
	start = append(start, s.snap(900, 1, 0, event.OnCPU), s.snap(900, 2, 0, event.Blocked))
	var delay [3]uint64
	now := int64(1_000_000)
	for i := range 50 {
		wait := int64(12_000)
		if i == 0 {
			wait = 1000 // so that it is known how late the queue's clock can be
		}
		a, b := event.TaskID(1+i%2), event.TaskID(2-i%2)
		s.wake(now, 0, b, a, 0)
		s.sw(now+wait, 0, a, b, sleeps)
		delay[b] += uint64(wait) - 250 - 70
		now += 250_000
	}
	end = append(end, s.snap(now+1_000_000, 1, 0, event.OnCPU),
		s.snap(now+1_000_000, 2, 0, event.Blocked))
	for i := range start {
		start[i].HasRunDelay, start[i].RunDelay = true, 5000
		end[i].HasRunDelay, end[i].RunDelay = true, 5000+delay[1+i]
	}
	return s, start, end
}

// A wait of 100 µs that is missing shows among a hundred switches. One that is too long shows where
// a hypervisor cannot have made the kernel's shorter, unseen.
func TestRunDelayIsSharp(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(s *tiny, start, end []event.Snapshot)
		fails  string
	}{
		{name: "as it is"},
		{"a wait is missing", func(s *tiny, start, end []event.Snapshot) {
			end[0].RunDelay += 100_000
		}, "task 101"},
		{"all are too long", func(s *tiny, start, end []event.Snapshot) {
			for i := range s.events {
				if i > 0 && s.events[i].Kind == event.Waking {
					s.events[i].Time -= 230_000
				}
			}
		}, "task 101"},
		{"a wait is too long, but a hypervisor may have made it so", func(s *tiny, start,
			end []event.Snapshot) {
			s.events[40].Time -= 200_000 // a waking
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, start, end := pingPong()
			if c.change != nil {
				c.change(s, start, end)
			}
			w := event.Window{Open: 1000, Close: 14_000_000}
			table := []event.Task{{}, {TID: 101}, {TID: 102}}
			check := analyse(w, Options{All: true, CPUs: 1}, table, start, s.events,
				end).check("run_delay")
			if check.OK() == (c.fails != "") || !strings.Contains(check.Reason, c.fails) {
				t.Errorf("%+v", check)
			}
		})
	}
}

// A kernel that takes its times at other moments than its events, and leaves its clocks as they are
// after wakings: whatever happens, its books lie within the bounds.
func TestTruthOfRunDelay(t *testing.T) {
	checked := 0
	for seed := range uint64(400) {
		rnd := rand.New(rand.NewPCG(seed, 99))
		s := newSim(seed, 1+rnd.IntN(4), 2+rnd.IntN(20))
		s.lags = rand.New(rand.NewPCG(seed, 8))
		r := recordOf(s, rnd, seed%2 == 1, true)
		if len(r.start) == 0 || len(r.end) == 0 {
			continue
		}
		check := analyseLast(r.w, r.options(), r.table(), r.start, r.events, r.end,
			r.last).check("run_delay")
		if !check.OK() {
			t.Fatalf("seed %d: %+v", seed, check)
		}
		if check.Status == event.Pass && check.Kernel > 1_000_000 {
			checked++
		}
	}
	if checked < 200 {
		t.Errorf("looked at %d only", checked)
	}
}

// What the kernel can have of one wait, each in its way, in ns beside what the events have.
func TestRunDelayBounds(t *testing.T) {
	us := int64(time.Microsecond)
	const wait = 1_000_000
	for _, c := range []struct {
		name      string
		on        bool // it is on the CPU at first
		do        func(s *tiny)
		low, high int64
		all       int64 // high in the sum of all tasks
	}{
		{"woken on its CPU, behind one that goes to sleep", false, func(s *tiny) {
			s.sw(2000, 0, 3, 4, sleeps)
			s.wake(3000, 0, 1, 4, 0)
			s.sw(500_000, 0, 4, 3, sleeps)
			s.sw(3000+wait, 0, 3, 1, sleeps)
		}, -5500, 0, 0},
		{"woken to take the CPU at once: to the kernel it has not waited", false,
			func(s *tiny) {
				s.sw(2000, 0, 3, 4, sleeps)
				s.wake(3000, 0, 1, 4, 0)
				s.tasks[4].in += wait // to the kernel 4 has left already
				s.sw(3000+wait, 0, 4, 1, preempted)
			}, -wait, 0, 0},
		{"the same, and the clock was brought up to date", false, func(s *tiny) {
			s.sw(2000, 0, 3, 4, sleeps)
			s.wake(3000, 0, 1, 4, 0)
			s.sw(3000+wait, 0, 4, 1, preempted)
		}, -5500, 0, 0},
		{"woken from another CPU", false, func(s *tiny) {
			s.sw(2000, 0, 3, 4, sleeps)
			s.wake(3000, 1, 1, 5, 0)
			s.sw(500_000, 0, 4, 3, sleeps)
			s.sw(3000+wait, 0, 3, 1, sleeps)
		}, -14_500, 0, 0},
		{"woken from another CPU, on one that was idle", false, func(s *tiny) {
			s.sw(2000, 0, 3, -1, sleeps)
			s.wake(3000, 1, 1, 5, 0)
			s.sw(500_000, 0, -1, 3, sleeps)
			s.sw(900_000, 0, 3, 4, sleeps)
			s.sw(3000+wait, 0, 4, 1, sleeps)
		}, -105 * us, 0, 0},
		{"woken just before a switch, which it may have missed", false, func(s *tiny) {
			s.sw(2000, 0, 3, 4, sleeps)
			s.wake(3000, 1, 1, 5, 0)
			s.sw(5000, 0, 4, 3, sleeps)
			s.tasks[3].in += wait
			s.sw(3000+wait, 0, 3, 1, preempted)
		}, -wait, 0, 0},
		{"woken on an idle CPU, when another's waking is under way", false, func(s *tiny) {
			s.sw(2000, 0, 3, -1, sleeps)
			s.wake(3000, 1, 1, 5, 0)
			s.wake(2500+wait, 1, 2, 5, 0)
			s.sw(3000+wait, 0, -1, 1, sleeps)
		}, -wait, 0, 0},
		{"woken on another CPU than it was on last", false, func(s *tiny) {
			s.sw(2000, 0, 3, -1, sleeps)
			s.sw(2001, 1, 5, 4, sleeps)
			s.wake(3000, 1, 1, 4, 0)
			s.migrate(3100, 1, 1, 4, 1)
			s.sw(500_000, 1, 4, 5, sleeps)
			s.sw(3000+wait, 1, 5, 1, sleeps)
		}, -5500, 0, 0},
		{"lost the CPU to one that was woken 7 µs before", true, func(s *tiny) {
			s.wake(3000, 0, 2, 1, 0)
			s.sw(10_000, 0, 1, 2, preempted)
			s.sw(10_000+wait, 0, 2, 1, sleeps)
		}, -5 * us, 7 * us, 0},
		{"lost the CPU to one whose waking is not known, within 10 µs", true, func(s *tiny) {
			s.sw(10_000, 0, 1, 7, preempted)
			s.sw(10_000+wait, 0, 7, 1, sleeps)
		}, -5 * us, 10 * us, 10 * us},
		{"lost the CPU on its way to sleep", true, func(s *tiny) {
			e := s.sw(10_000, 0, 1, 7, preempted)
			e.State, e.Flags = event.StateInterruptible, e.Flags|event.FlagPreempt
			s.sw(10_000+wait, 0, 7, 1, sleeps)
		}, -wait, 10 * us, 10 * us},
		{"moved twice", true, func(s *tiny) {
			s.sw(10_000, 0, 1, 7, preempted)
			s.migrate(20_000, 1, 1, 5, 1)
			s.migrate(30_000, 0, 1, 7, 0)
			s.sw(40_000, 0, 7, 3, sleeps)
			s.sw(10_000+wait, 0, 3, 1, sleeps)
		}, -105 * us, 10 * us, 10 * us},
		{"moved while it slept", false, func(s *tiny) {
			s.sw(2000, 0, 3, 4, sleeps)
			s.migrate(3000, 1, 1, 5, 0)
			s.wake(33_000, 0, 1, 4, 0)
			s.sw(40_000, 0, 4, 3, sleeps)
			s.sw(33_000+wait, 0, 3, 1, sleeps)
		}, -5515, 30 * us, 30 * us},
		{"over so near to the second snapshot that it may not be in it", false, func(s *tiny) {
			s.sw(2000, 0, 3, 4, sleeps)
			s.wake(8_920_000, 0, 1, 4, 0)
			s.sw(8_930_000, 0, 4, 3, sleeps)
			s.sw(8_920_000+wait, 0, 3, 1, sleeps)
		}, -wait, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newTiny()
			var start, end []event.Snapshot
			for id := event.TaskID(1); id <= 5; id++ {
				b := s.snap(900, id, 0, event.Blocked)
				switch {
				case id == 1 && c.on, id == 3 && !c.on:
					b.Activity = event.OnCPU
				case id == 5:
					b.Activity, b.CPU = event.OnCPU, 1
				}
				b.HasRunDelay = true
				start = append(start, b)
				b.Time = 10_000_000
				end = append(end, b)
			}
			c.do(s)
			w := event.Window{Open: 1000, Close: 9_990_000}
			a := NewAnalysis(w, Options{All: true, CPUs: 2})
			for i := range start {
				a.Start(&start[i])
				a.End(&end[i])
			}
			for i := range s.events {
				a.Event(&s.events[i])
			}
			a.Result()
			k := a.task(1)
			if k.delay.took != wait || k.delay.low-wait != c.low || k.delay.high-wait != c.high ||
				k.delayAll.high-wait != c.all {
				t.Errorf("%+v, of all %+v; beside %d: low %d, high %d, in all %d", k.delay,
					k.delayAll, wait, k.delay.low-wait, k.delay.high-wait, k.delayAll.high-wait)
			}
		})
	}
}
