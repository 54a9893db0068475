package sched

import (
	"math/rand/v2"
	"slices"

	"switchyard/trace/event"
)

// sim is a scheduler that does what a kernel's does, at random, and writes down the truth beside
// its events. Its clock never stands still, so that no two things happen at once.
type sim struct {
	rnd  *rand.Rand
	now  int64
	cpus []simCPU
	list []*simTask

	events []event.Event
	lags   *rand.Rand       // of the kernel's books; nil: their times are those of the events
	last   []event.Snapshot // the books of tasks at their last switch
	looked int64            // since when somebody looks: no chain is older
	quiet  bool             // no signals, no spurious wakings
	early  bool             // wakings come before the switch-out they belong to
}

type simCPU struct {
	current event.TaskID
	queue   []event.TaskID
	clock   int64       // the queue's own, when it was last brought up to date
	skip    bool        // the next switch does without that
	history []simSpan   // what ran, by what of Running and Nothing (idle)
	lengths []simLength // of the queue, from then on
}

type simSpan struct {
	what     Doing
	from, to int64
	cpu      int
	start    int // how a span on a queue began
	by       event.TaskID
	via      int64 // when the waking was seen
	compound int64 // at the end of a wait after a waking
}

const (
	afterWaking = iota + 1
	afterEarlyWaking
	afterPreemption
	afterOther
)

type simLength struct {
	at   int64
	n    int
	idle bool
}

type simTask struct {
	id      event.TaskID
	state   Doing // Nothing: not yet, or no more
	gone    bool
	cpu     int
	nv, niv uint64
	exec    int64
	delay   int64 // run_delay
	queued  int64 // since when it waits, as the kernel has it
	onSince int64 // and runs
	since   int64
	spans   []simSpan
	start   int
	by      event.TaskID
	via     int64
	born    int64
	died    int64

	links []simLink
	own   int64

	voluntary, involuntary, yields, lazy      []int64 // times
	addressSpace, thread, kept                []int64
	spurious, early, wakings, irq, migrations []int64
	atWakeup, away                            []int64
}

type simLink struct {
	task event.TaskID
	own  int64
}

func newSim(seed uint64, cpus, tasks int) *sim {
	s := &sim{rnd: rand.New(rand.NewPCG(seed, 7)), now: 1_000_000}
	for i := range cpus {
		s.cpus = append(s.cpus, simCPU{current: event.Idle(i)})
		s.cpus[i].history = []simSpan{{what: Nothing, from: s.now, cpu: i}}
		s.length(i)
	}
	for range tasks {
		t := s.make()
		t.nv, t.niv, t.exec = s.rnd.Uint64N(1<<20), s.rnd.Uint64N(1<<20), s.rnd.Int64N(1<<34)
		t.state, t.since, t.cpu, t.start, t.born = Sleeping, s.now, s.rnd.IntN(cpus),
			afterOther, s.now
	}
	return s
}

func (s *sim) make() *simTask {
	t := &simTask{id: event.TaskID(len(s.list)), by: event.NoTask, died: -1, born: -1}
	s.list = append(s.list, t)
	return t
}

func (s *sim) tick() int64 {
	// Mostly short times, some long.
	s.now += 1 + s.rnd.Int64N(1<<(3+s.rnd.IntN(12)))
	return s.now
}

func (s *sim) emit(e event.Event) { s.events = append(s.events, e) }

// become ends what a task does and begins something else.
func (s *sim) become(t *simTask, what Doing, start int, by event.TaskID, via int64) *simSpan {
	t.spans = append(t.spans, simSpan{what: t.state, from: t.since, to: s.now, cpu: t.cpu,
		start: t.start, by: t.by, via: t.via})
	t.state, t.since, t.start, t.by, t.via = what, s.now, start, by, via
	return &t.spans[len(t.spans)-1]
}

func (s *sim) length(i int) {
	c := &s.cpus[i]
	c.lengths = append(c.lengths, simLength{s.now, len(c.queue), c.current.Idle()})
}

func (s *sim) enqueue(id event.TaskID, cpu int) {
	s.list[id].cpu = cpu
	s.cpus[cpu].queue = append(s.cpus[cpu].queue, id)
	s.length(cpu)
}

// The kernel's books take their times at other moments than its events: see run_delay.go.

// lag is what can lie between the two.
func (s *sim) lag() int64 {
	if s.lags == nil {
		return 0
	}
	return s.lags.Int64N(300)
}

// woken puts a task on its queue in the kernel's books, after its waking.
func (s *sim) woken(t *simTask) {
	c := &s.cpus[t.cpu]
	c.clock = max(c.clock, s.now+s.lag())
	t.queued = c.clock
	c.skip = c.skip || s.lags != nil && s.lags.IntN(3) == 0
}

// off takes a task off a CPU's queue in the kernel's books.
func (s *sim) off(t *simTask, cpu int) { t.delay += max(s.cpus[cpu].clock-t.queued, 0) }

// dequeue takes a random task off the queue.
func (s *sim) dequeue(cpu int) event.TaskID {
	q := &s.cpus[cpu].queue
	i := s.rnd.IntN(len(*q))
	id := (*q)[i]
	*q = slices.Delete(*q, i, i+1)
	return id
}

// swtch is a switch on a CPU; how is one of tiny's.
func (s *sim) swtch(cpu int, how int) {
	c := &s.cpus[cpu]
	now := s.tick()
	prev, next := c.current, event.Idle(cpu)
	if len(c.queue) > 0 {
		next = s.dequeue(cpu)
	}
	e := event.Event{Kind: event.Switch, Time: now, CPU: uint16(cpu), Task: prev, Other: next,
		Prio: 120, OtherPrio: 120, Flags: event.FlagTaskTraced | event.FlagOtherTraced}
	table := event.PageTable(s.rnd.IntN(4))
	if next.Idle() {
		table = event.Lazy
	}
	e.Flags = e.Flags.WithPageTable(table)
	if !c.skip {
		c.clock = max(c.clock, now-s.lag())
	}
	c.skip = false
	if !prev.Idle() {
		t := s.list[prev]
		t.exec += c.clock - t.onSince
		switch how {
		case sleeps:
			e.Flags |= event.FlagVoluntary
			e.State = event.StateInterruptible | event.StateFreezable
			t.nv++
			t.voluntary = append(t.voluntary, now)
			s.become(t, Sleeping, afterOther, event.NoTask, 0)
		case dies:
			e.Flags |= event.FlagVoluntary
			e.State = event.StateDead
			t.nv++
			t.voluntary = append(t.voluntary, now)
			s.become(t, Nothing, 0, event.NoTask, 0)
			t.gone, t.died = true, now
		case signalled:
			t.nv++
			t.voluntary = append(t.voluntary, now)
			s.become(t, Waiting, afterOther, event.NoTask, 0)
		case yields:
			e.Flags |= event.FlagYield
			t.niv++
			t.involuntary = append(t.involuntary, now)
			t.yields = append(t.yields, now)
			s.become(t, Waiting, afterOther, event.NoTask, 0)
		default:
			t.niv++
			t.involuntary = append(t.involuntary, now)
			s.become(t, Waiting, afterPreemption, next, now)
		}
		if table == event.Lazy {
			t.lazy = append(t.lazy, now)
		}
		e.NVCSW, e.NIVCSW, e.Value = uint16(t.nv), uint16(t.niv), int64(uint32(t.exec))
		if t.state == Waiting {
			c.queue = append(c.queue, prev)
			t.queued = c.clock
		}
		if t.gone {
			s.last = append(s.last, t.books(now))
		}
	}
	if !next.Idle() {
		t := s.list[next]
		switch table {
		case event.AddressSpace:
			t.addressSpace = append(t.addressSpace, now)
		case event.Thread:
			t.thread = append(t.thread, now)
		case event.Kept:
			t.kept = append(t.kept, now)
		}
		woken := t.start == afterWaking || t.start == afterEarlyWaking
		s.off(t, cpu)
		t.onSince = c.clock
		if t.since >= s.looked {
			t.own += now - t.since
		}
		span := s.become(t, Running, 0, event.NoTask, 0)
		if woken {
			span.compound = t.own
			for _, l := range t.links {
				span.compound += l.own
			}
		}
	}
	c.current = next
	h := &c.history[len(c.history)-1]
	h.to = now
	what := Running
	if next.Idle() {
		what = Nothing
	}
	c.history = append(c.history, simSpan{what: what, from: now, cpu: cpu})
	s.length(cpu)
	s.emit(e)
}

// wake is a waking on a CPU by what runs there, or an interrupt; early: the task is on its way to
// sleep.
func (s *sim) wake(cpu int, id event.TaskID) {
	t := s.list[id]
	now := s.tick()
	by := s.cpus[cpu].current
	e := event.Event{Kind: event.Waking, Time: now, CPU: uint16(cpu), Task: id, Other: by,
		Value: int64(t.cpu), Prio: 120, Flags: event.FlagTaskTraced}
	irq := by == id || s.rnd.IntN(3) == 0
	waker := by
	if irq {
		e.Flags |= event.FlagHardIRQ
		waker = byHardIRQ
	}
	s.emit(e)
	switch t.state {
	case Sleeping:
		s.become(t, Waiting, afterWaking, waker, now)
		t.wakings = append(t.wakings, now)
		if irq {
			t.irq = append(t.irq, now)
		}
		s.inherit(t, waker)
		s.settle(e.Flags, cpu, t)
	case Running:
		if !s.early || t.cpu == cpu || s.rnd.IntN(2) == 0 {
			t.spurious = append(t.spurious, now)
			return
		}
		// The waker waits until the task has left.
		own := int64(0)
		if waker >= 0 {
			w := s.list[waker]
			own = w.own
			for _, l := range w.links {
				own += l.own
			}
		}
		s.swtch(t.cpu, sleeps)
		t.state = Waiting // no time at all has passed
		t.start, t.by, t.via = afterEarlyWaking, waker, now
		t.early = append(t.early, now)
		t.wakings = append(t.wakings, now)
		if irq {
			t.irq = append(t.irq, now)
		}
		t.links, t.own = nil, 0
		if waker >= 0 {
			t.links = []simLink{{waker, own}}
		}
		s.enqueue(id, t.cpu)
		s.woken(t)
	default:
		t.spurious = append(t.spurious, now)
	}
}

// inherit is what chain.go does, told otherwise.
func (s *sim) inherit(t *simTask, by event.TaskID) {
	t.links, t.own = nil, 0
	if by < 0 {
		return
	}
	w := s.list[by]
	links := append(slices.Clone(w.links), simLink{by, w.own})
	for i := len(links) - 1; i >= 0; i-- {
		if links[i].task == t.id {
			links = links[i+1:]
			break
		}
	}
	t.links = links[max(len(links)-chainDepth, 0):]
}

// settle chooses the CPU of a task that is woken on one.
func (s *sim) settle(flags event.Flags, cpu int, t *simTask) {
	to := t.cpu
	if s.rnd.IntN(2) == 0 {
		to = s.rnd.IntN(len(s.cpus))
	}
	if to != t.cpu {
		now := s.tick()
		s.emit(event.Event{Kind: event.Migrate, Time: now, CPU: uint16(cpu), Task: t.id,
			Other: s.cpus[cpu].current, Value: int64(to), Flags: flags})
		t.migrations = append(t.migrations, now)
		t.atWakeup = append(t.atWakeup, now)
	}
	s.enqueue(t.id, to)
	s.woken(t)
}

func (s *sim) fork(cpu int) {
	maker := s.cpus[cpu].current
	t := s.make()
	s.emit(event.Event{Kind: event.New, Time: s.tick(), CPU: uint16(cpu), Task: t.id, Other: maker,
		Flags: event.FlagTaskTraced})
	to := s.rnd.IntN(len(s.cpus))
	now := s.tick()
	s.emit(event.Event{Kind: event.WakeNew, Time: now, CPU: uint16(cpu), Task: t.id, Other: maker,
		Value: int64(to), Flags: event.FlagTaskTraced})
	t.state, t.since, t.cpu, t.start, t.born = Waiting, now, to, afterOther, now
	s.inherit(t, maker)
	if to != cpu {
		t.away = append(t.away, now)
	}
	s.enqueue(t.id, to)
	s.woken(t)
	t.queued -= 2 * s.lag() // its event comes after
}

// step lets something happen.
func (s *sim) step() {
	cpu := s.rnd.IntN(len(s.cpus))
	c := &s.cpus[cpu]
	if c.current.Idle() {
		if len(c.queue) > 0 {
			s.swtch(cpu, sleeps)
			return
		}
		s.wakeSomebody(cpu)
		return
	}
	switch n := s.rnd.IntN(20); {
	case n < 6:
		s.wakeSomebody(cpu)
	case n < 12:
		s.swtch(cpu, sleeps)
	case n < 15 && len(c.queue) > 0:
		s.swtch(cpu, preempted)
	case n == 15 && len(c.queue) > 0:
		s.swtch(cpu, yields)
	case n == 16 && len(c.queue) > 0 && !s.quiet:
		s.swtch(cpu, signalled)
	case n == 17 && len(s.list) < 60:
		s.fork(cpu)
	case n == 18 && s.rnd.IntN(4) == 0:
		s.swtch(cpu, dies)
	case n == 19 && len(c.queue) > 0: // balance
		id := c.queue[s.rnd.IntN(len(c.queue))]
		to := s.rnd.IntN(len(s.cpus))
		if to == cpu {
			return
		}
		now := s.tick()
		s.emit(event.Event{Kind: event.Migrate, Time: now, CPU: uint16(to), Task: id,
			Other: s.cpus[to].current, Value: int64(to), Flags: event.FlagTaskTraced |
				event.FlagSoftIRQ})
		t := s.list[id]
		t.migrations = append(t.migrations, now)
		c.queue = slices.DeleteFunc(c.queue, func(q event.TaskID) bool { return q == id })
		s.length(cpu)
		c.clock = max(c.clock, now-s.lag())
		s.off(t, cpu)
		s.enqueue(id, to)
		s.woken(t)
	}
}

func (s *sim) wakeSomebody(cpu int) {
	t := s.list[s.rnd.IntN(len(s.list))]
	if t.gone || t.state == Nothing || t.start == afterEarlyWaking || t.state != Sleeping &&
		(s.quiet || s.rnd.IntN(4) > 0) {
		return
	}
	s.wake(cpu, t.id)
}

// walk is a walk over all tasks.
func (s *sim) walk() []event.Snapshot {
	var list []event.Snapshot
	for _, t := range s.list {
		if t.gone {
			continue
		}
		s.tick()
		what := map[Doing]event.Activity{Running: event.OnCPU, Waiting: event.Runnable,
			Sleeping: event.Blocked}[t.state]
		books := t.books(s.now)
		books.Activity = what
		if t.state == Running {
			books.Exec += uint64(s.now-t.since) / 2 // behind
		}
		list = append(list, books)
	}
	return list
}

// books are what the kernel has of a task.
func (t *simTask) books(now int64) event.Snapshot {
	return event.Snapshot{Time: now, Task: t.id, CPU: uint16(t.cpu), NVCSW: t.nv, NIVCSW: t.niv,
		Exec: uint64(t.exec), RunDelay: uint64(t.delay), HasRunDelay: true}
}

// look begins the chains anew, as they are for one who begins to look now.
func (s *sim) look() {
	s.looked = s.now + 1
	for _, t := range s.list {
		t.links, t.own = nil, 0
	}
}

// end brings all histories up to now.
func (s *sim) end() {
	s.tick()
	for _, t := range s.list {
		if t.state != Nothing {
			s.become(t, t.state, t.start, t.by, t.via)
		}
	}
	for i := range s.cpus {
		h := s.cpus[i].history
		h[len(h)-1].to = s.now
	}
}
