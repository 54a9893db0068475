package sched

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"switchyard/trace/event"
)

// load is a stream as a busy server makes it: clients wake workers, workers wake each other, timers
// wake some, and there are more of them than CPUs.
type load struct {
	rnd    *rand.Rand
	now    int64
	cpus   []loadCPU
	tasks  []loadTask
	due    dues
	events []event.Event
}

type loadCPU struct {
	current event.TaskID
	queue   []event.TaskID
}

type loadTask struct {
	cpu     int
	in      int64
	exec    uint32
	nv, niv uint16
	asleep  bool
}

// dues are the CPUs by when they are due.
type dues struct {
	at   []int64
	list []int
}

func (d *dues) Len() int           { return len(d.list) }
func (d *dues) Less(i, j int) bool { return d.at[d.list[i]] < d.at[d.list[j]] }
func (d *dues) Swap(i, j int)      { d.list[i], d.list[j] = d.list[j], d.list[i] }
func (d *dues) Push(any)           {}
func (d *dues) Pop() any           { return nil }

func newLoad(cpus, tasks, events int) *load {
	l := &load{rnd: rand.New(rand.NewPCG(11, 13)), now: 1 << 40}
	l.tasks = make([]loadTask, tasks)
	for i := range cpus {
		l.cpus = append(l.cpus, loadCPU{current: event.Idle(i)})
		l.due.at = append(l.due.at, l.now)
		l.due.list = append(l.due.list, i)
	}
	for i := range l.tasks {
		l.tasks[i].cpu, l.tasks[i].asleep = i%cpus, true
	}
	for len(l.events) < events {
		i := l.due.list[0]
		l.now = max(l.now+1, l.due.at[i])
		l.act(i)
		l.due.at[i] = l.now + 500 + int64(l.rnd.ExpFloat64()*8000)
		heap.Fix(&l.due, 0)
	}
	return l
}

func (l *load) act(i int) {
	c := &l.cpus[i]
	for range 1 + l.rnd.IntN(2) {
		id := event.TaskID(l.rnd.IntN(len(l.tasks)))
		if !c.current.Idle() { // one of the few it works with
			id = (c.current*7 + event.TaskID(l.rnd.IntN(4)*31)) % event.TaskID(len(l.tasks))
		}
		t := &l.tasks[id]
		if !t.asleep || c.current.Idle() && len(c.queue) > 0 {
			continue
		}
		flags := event.FlagTaskTraced
		if c.current.Idle() || l.rnd.IntN(4) == 0 {
			flags |= event.FlagSoftIRQ
		}
		l.events = append(l.events, event.Event{Kind: event.Waking, Time: l.now, CPU: uint16(i),
			Task: id, Other: c.current, Value: int64(t.cpu), Prio: 120, Flags: flags})
		t.asleep = false
		l.now += 200
		if to := l.rnd.IntN(len(l.cpus)); l.rnd.IntN(3) == 0 && to != t.cpu {
			l.events = append(l.events, event.Event{Kind: event.Migrate, Time: l.now,
				CPU: uint16(i), Task: id, Other: c.current, Value: int64(to), Flags: flags})
			t.cpu = to
			l.now += 200
		}
		l.cpus[t.cpu].queue = append(l.cpus[t.cpu].queue, id)
	}
	if c.current.Idle() && len(c.queue) == 0 {
		return
	}
	l.now += 300
	next := event.Idle(i)
	if len(c.queue) > 0 {
		next = c.queue[0]
		c.queue = append(c.queue[:0], c.queue[1:]...)
	}
	e := event.Event{Kind: event.Switch, Time: l.now, CPU: uint16(i), Task: c.current, Other: next,
		Prio: 120, OtherPrio: 120, Flags: (event.FlagTaskTraced |
			event.FlagOtherTraced).WithPageTable(event.PageTable(l.rnd.IntN(4)))}
	if !c.current.Idle() {
		t := &l.tasks[c.current]
		t.exec += uint32(l.now - t.in)
		if !next.Idle() && l.rnd.IntN(4) == 0 {
			t.niv++
			c.queue = append(c.queue, c.current)
		} else {
			t.nv++
			t.asleep = true
			e.State, e.Flags = event.StateInterruptible, e.Flags|event.FlagVoluntary
		}
		e.NVCSW, e.NIVCSW, e.Value = t.nv, t.niv, int64(t.exec)
	}
	if !next.Idle() {
		l.tasks[next].in = l.now
	}
	c.current = next
	l.events = append(l.events, e)
}

// snapshots of all tasks, asleep and new.
func (l *load) snapshots(at int64) []event.Snapshot {
	var list []event.Snapshot
	for i := range l.tasks {
		list = append(list, event.Snapshot{Time: at, Task: event.TaskID(i),
			Activity: event.Blocked})
	}
	return list
}

// cpuTime is what this process has used: a busy machine does not count.
func cpuTime(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkEvents feeds a stream of 2 million events again and again, its times moved on. To reach:
// 5 million events a second on one core, and nothing allocated.
func BenchmarkEvents(b *testing.B) {
	for _, c := range []struct{ cpus, tasks int }{{2, 300}, {16, 600}, {64, 5000}} {
		b.Run(fmt.Sprintf("cpus=%d/tasks=%d", c.cpus, c.tasks), func(b *testing.B) {
			l := newLoad(c.cpus, c.tasks, 2_000_000)
			a := NewAnalysis(event.Window{Open: 1 << 40, Close: 1 << 60},
				Options{All: true, CPUs: c.cpus})
			start := l.snapshots(1<<40 - 1)
			for i := range start {
				a.Start(&start[i])
			}
			for i := range l.events { // whatever is allocated once is by now
				a.Event(&l.events[i])
			}
			round := l.events[len(l.events)-1].Time - l.events[0].Time + 1
			b.ReportAllocs()
			b.ResetTimer()
			n := 0
			shift := round
			before := cpuTime(b)
			for b.Loop() {
				if n == len(l.events) {
					n, shift = 0, shift+round
				}
				e := l.events[n]
				e.Time += shift
				a.Event(&e)
				n++
			}
			b.ReportMetric(float64(b.N)/(cpuTime(b)-before).Seconds(), "events/cpu-s")
		})
	}
}
