package run

import (
	"container/heap"
	"math"
	"math/rand/v2"

	"switchyard/trace/event"
)

// A stream is a machine that never was: CPUs with run queues, and tasks that run, wake each other
// and sleep. What it says is what a recording of such a machine says, down to counters that add up
// and clocks that do not quite.
type stream struct {
	rnd   *rand.Rand
	now   int64
	due   dueHeap
	cpus  []streamCPU
	tasks []streamTask
	out   []event.Event

	syscalls bool
}

type streamCPU struct {
	current event.TaskID
	since   int64
	epoch   int
	queue   []int
	waking  bool
	nivcsw  uint16 // of the idle task
}

type streamTask struct {
	cpu           int
	prio          uint8
	process       int
	partner       int
	burst         float64
	nvcsw, nivcsw uint64
	exec          int64
	asleep        bool
}

type due struct {
	at    int64
	what  func()
	order int
}

type dueHeap []due

func (h dueHeap) Len() int { return len(h) }
func (h dueHeap) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].order < h[j].order
}
func (h dueHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)   { *h = append(*h, x.(due)) }
func (h *dueHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// newStream returns a machine of so many CPUs and tasks. The same seed makes the same events.
func newStream(seed uint64, cpus, tasks int, syscalls bool) *stream {
	s := &stream{rnd: rand.New(rand.NewPCG(seed, 1)), now: 86_400_123_456_789, syscalls: syscalls}
	for i := range cpus {
		s.cpus = append(s.cpus, streamCPU{current: event.Idle(i), since: s.now})
	}
	for i := range tasks {
		t := streamTask{cpu: s.rnd.IntN(cpus), prio: 120, process: i / 6,
			partner: s.rnd.IntN(tasks), asleep: true,
			burst: 3_000 * math.Exp(2*s.rnd.Float64()), nvcsw: s.rnd.Uint64N(1 << 20),
			nivcsw: s.rnd.Uint64N(1 << 12),
			exec:   s.rnd.Int64N(1 << 36)}
		switch s.rnd.IntN(20) {
		case 0:
			t.prio = 98
		case 1, 2:
			t.prio = uint8(100 + s.rnd.IntN(40))
		}
		s.tasks = append(s.tasks, t)
		s.sleep(i)
	}
	return s
}

// events runs the machine until it has said so much.
func (s *stream) events(n int) []event.Event {
	s.out = make([]event.Event, 0, n+8)
	for len(s.out) < n {
		d := heap.Pop(&s.due).(due)
		s.now = max(s.now, d.at)
		d.what()
	}
	return s.out[:n]
}

func (s *stream) after(ns float64, what func()) {
	heap.Push(&s.due, due{s.now + int64(ns) + 1, what, len(s.out)})
}

func (s *stream) say(e event.Event) {
	s.now += 150 + s.rnd.Int64N(400) // no two tracepoints fire at once
	e.Time = s.now
	s.out = append(s.out, e)
}

// sleep lets a timer wake the task.
func (s *stream) sleep(i int) {
	s.after(s.rnd.ExpFloat64()*2e6, func() {
		if s.tasks[i].asleep {
			s.wake(i, s.tasks[i].cpu, event.FlagHardIRQ)
		}
	})
}

func (s *stream) wake(i, cpu int, flags event.Flags) {
	t := &s.tasks[i]
	t.asleep = false
	s.say(event.Event{Kind: event.Waking, Task: event.TaskID(i), Other: s.cpus[cpu].current,
		CPU:   uint16(cpu),
		Value: int64(t.cpu), Prio: t.prio, Flags: flags | event.FlagTaskTraced})
	if !s.cpus[t.cpu].current.Idle() || s.cpus[t.cpu].waking {
		for c := range s.cpus {
			if s.cpus[c].current.Idle() && !s.cpus[c].waking {
				s.say(event.Event{Kind: event.Migrate, Task: event.TaskID(i),
					Other: s.cpus[cpu].current, CPU: uint16(cpu),
					Value: int64(c), Flags: flags | event.FlagTaskTraced})
				t.cpu = c
				break
			}
		}
	}
	c := &s.cpus[t.cpu]
	c.queue = append(c.queue, i)
	if c.current.Idle() && !c.waking {
		c.waking = true
		at := t.cpu
		s.after(700+s.rnd.ExpFloat64()*1500, func() { s.switchOn(at, 0, 0) })
	}
}

// switchOn lets the CPU take its next task.
func (s *stream) switchOn(cpu int, state uint16, flags event.Flags) {
	c := &s.cpus[cpu]
	c.waking = false
	e := event.Event{Kind: event.Switch, CPU: uint16(cpu), Task: c.current, Other: event.Idle(cpu),
		State: state,
		Prio:  120, OtherPrio: 120, Flags: flags | event.FlagTaskTraced}
	from, to := -1, -1
	if !c.current.Idle() {
		i := int(c.current)
		t := &s.tasks[i]
		from = t.process
		// The kernel reads its clock when it begins to schedule, some time before the tracepoint.
		t.exec += s.now - c.since + int64(s.rnd.NormFloat64()*90)
		if flags&event.FlagVoluntary != 0 {
			t.nvcsw++
			t.asleep = true
			s.sleep(i)
		} else {
			t.nivcsw++
			c.queue = append(c.queue, i)
		}
		e.NVCSW, e.NIVCSW, e.Value, e.Prio = uint16(t.nvcsw), uint16(t.nivcsw),
			t.exec&math.MaxUint32, t.prio
	}
	if c.current.Idle() {
		c.nivcsw++
		e.NIVCSW = c.nivcsw
	}
	if len(c.queue) > 0 {
		i := c.queue[0]
		c.queue = c.queue[1:]
		e.Other, e.OtherPrio, to = event.TaskID(i), s.tasks[i].prio, s.tasks[i].process
		e.Flags |= event.FlagOtherTraced
		s.tasks[i].cpu = cpu
	}
	switch {
	case to < 0:
	case from == to:
		e.Flags = e.Flags.WithPageTable(event.Thread)
	default:
		e.Flags = e.Flags.WithPageTable(event.AddressSpace)
	}
	before := s.now
	s.say(e)
	c.current = e.Other
	c.since = before + 300
	c.epoch++
	if to >= 0 {
		s.run(cpu, int(e.Other), c.epoch)
	}
}

// run plans what the task does until it leaves the CPU.
func (s *stream) run(cpu, i, epoch int) {
	t := &s.tasks[i]
	burst := t.burst * math.Exp(s.rnd.NormFloat64())
	here := func(what func()) func() {
		return func() {
			if s.cpus[cpu].epoch == epoch {
				what()
			}
		}
	}
	if s.syscalls {
		for range 1 + s.rnd.IntN(3) {
			nr := []int64{0, 1, 44, 45, 232, 202}[s.rnd.IntN(6)]
			s.after(burst*s.rnd.Float64(), here(func() {
				s.say(event.Event{Kind: event.SyscallEnter, Task: event.TaskID(i), CPU: uint16(cpu),
					Value: nr})
				s.say(event.Event{Kind: event.SyscallExit, Task: event.TaskID(i), CPU: uint16(cpu),
					Value: []int64{64, 1, -11, 0, 512}[s.rnd.IntN(5)]})
			}))
		}
	}
	if s.rnd.IntN(10) < 7 {
		other := t.partner
		if s.rnd.IntN(5) == 0 {
			other = s.rnd.IntN(len(s.tasks))
		}
		s.after(burst*s.rnd.Float64(), here(func() {
			if s.tasks[other].asleep {
				s.wake(other, cpu, 0)
			}
		}))
	}
	if slice := 3e6; burst > slice || len(s.cpus[cpu].queue) > 0 && s.rnd.IntN(8) == 0 {
		s.after(min(burst/2, slice), here(func() { s.switchOn(cpu, 0, 0) }))
		return
	}
	state := uint16(event.StateInterruptible)
	if s.rnd.IntN(12) == 0 {
		state = event.StateUninterruptible
	}
	s.after(burst, here(func() { s.switchOn(cpu, state, event.FlagVoluntary) }))
}
