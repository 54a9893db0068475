package sched

import (
	"fmt"
	"strings"
	"testing"

	"switchyard/trace/event"
)

// TestMadeByHidden: whom a task makes that the kernel keeps from tracing is left out of the checks
// that it cannot pass, by name and number; and nobody else is.
func TestMadeByHidden(t *testing.T) {
	const hidden, made = 3, 4
	for _, c := range []struct {
		name   string
		change func(start, end []event.Snapshot, table []event.Task) (s, e []event.Snapshot)
		lost   []event.Lost
		fails  string // the checks that do, of life and tasks
	}{
		{name: "made while the hidden one was on a CPU"},
		{name: "its start is not known", change: func(start, end []event.Snapshot,
			table []event.Task) (s, e []event.Snapshot) {
			table[made].Started = 0
			return start, end
		}},
		{name: "it has ended", change: func(start, end []event.Snapshot, table []event.Task) (s,
			e []event.Snapshot) {
			return start, end[:2]
		}},
		{name: "made before the hidden one came", fails: "life tasks",
			change: func(start, end []event.Snapshot, table []event.Task) (s, e []event.Snapshot) {
				table[made].Started = 1600
				return start, end
			}},
		{name: "made after it went", fails: "tasks", change: func(start, end []event.Snapshot,
			table []event.Task) (s, e []event.Snapshot) {
			table[made].Started = 1850
			return start, end
		}},
		{name: "its maker is in the snapshot, and not hidden", fails: "life tasks",
			change: func(start, end []event.Snapshot, table []event.Task) (s, e []event.Snapshot) {
				return append(start, event.Snapshot{Time: 902, Task: hidden,
						Activity: event.Blocked}),
					end
			}},
		{name: "another one is wrong", fails: "life", change: func(start, end []event.Snapshot,
			table []event.Task) (s, e []event.Snapshot) {
			end[1].NVCSW++
			return start, end
		}},
		{name: "events were lost", fails: "life tasks",
			lost: []event.Lost{{CPU: 0, First: 1710, Last: 1711, Count: 1}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newTiny()
			start, end := checked(s)
			s.sw(1750, 0, -1, hidden, sleeps)
			s.task(made).in = 1800 // from the hidden one to this: not shown
			s.sw(1830, 0, made, -1, sleeps)
			end = append(end, s.snap(2102, made, 0, event.Blocked))
			if c.name == "it has ended" {
				s.add(event.Event{Kind: event.Exit, Time: 1825, Task: made})
			}
			table := []event.Task{{}, {TID: 101, Name: "one"}, {TID: 102, Name: "two"}, {TID: 68},
				{TID: 104, Name: "sh", Started: 1780}}
			if c.change != nil {
				start, end = c.change(start, end, table)
			}
			r := analyse(event.Window{Open: 1000, Close: 2000}, Options{All: true, CPUs: 1}, table,
				start, s.events, end, c.lost...)
			for _, name := range []string{"life", "tasks"} {
				check := r.check(name)
				if should := strings.Contains(c.fails, name); check.OK() == should {
					t.Errorf("%+v", check)
				}
				const leftOut = "1 task left out, made by tasks that the kernel keeps from tracing: task 104 (sh)"
				says := strings.Contains(check.Reason, leftOut)
				if says != (c.fails == "" || c.fails == "life") {
					t.Errorf("%s says %q", name, check.Reason)
				}
			}
		})
	}
}

// TestSleptBeforeHidden: the kernel's books, of which an event has 32 bits, tell how long a task
// ran that came from one that the kernel keeps from tracing, however long it slept before: what
// counts is how long it can have been on the CPU.
func TestSleptBeforeHidden(t *testing.T) {
	const hidden, slept = 3, int64(10e9)
	s := newTiny()
	start := []event.Snapshot{s.snap(900, 1, 0, event.Blocked), s.snap(901, 2, 0, event.OnCPU)}
	s.sw(1100, 0, 2, -1, sleeps)
	s.sw(slept-50, 0, -1, hidden, sleeps)
	s.wake(slept, 0, 1, event.NoTask, 0)
	s.task(1).in = slept + 100 // from the hidden one to this: not shown
	s.sw(slept+400, 0, 1, -1, sleeps)
	end := []event.Snapshot{s.snap(slept+2100, 1, 0, event.Blocked),
		s.snap(slept+2101, 2, 0, event.Blocked)}
	r := analyse(event.Window{Open: 1000, Close: slept + 2000}, Options{All: true, CPUs: 1}, nil,
		start, s.events, end)
	want := fmt.Sprintf("on 300 blocked %d queue 100", slept-1000+1600)
	if got := times(&r.task(1).Totals); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if check := r.check("life"); !check.OK() {
		t.Errorf("%+v", check)
	}
}
