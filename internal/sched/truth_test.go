package sched

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"switchyard/trace/event"
	"switchyard/trace/hist"
)

// recorded is a run of a sim as a recorder would have it.
type recorded struct {
	*sim
	w          event.Window
	events     []event.Event
	start, end []event.Snapshot
	ctxt       [2]event.Reading
	lost       []event.Lost
	attached   int64
}

// record runs a sim: for a while without anybody looking, then recorded, with a window somewhere.
func record(seed uint64, early, signals bool) *recorded {
	rnd := rand.New(rand.NewPCG(seed, 99))
	return recordOf(newSim(seed, 1+rnd.IntN(4), 2+rnd.IntN(20)), rnd, early, signals)
}

func recordOf(s *sim, rnd *rand.Rand, early, signals bool) *recorded {
	s.early = early
	steps := func(n int) {
		for range rnd.IntN(n) {
			s.step()
		}
	}
	r := &recorded{sim: s}
	steps(200)
	first := len(s.events)
	r.attached = s.now
	s.look()
	s.quiet = true // the first switch of a task has nothing before it to compare its counters with
	steps(200)
	r.start = s.walk()
	s.quiet = !signals
	steps(40)
	switches := func() (n uint64) {
		for i := range s.events {
			if s.events[i].Kind == event.Switch {
				n++
			}
		}
		return n
	}
	read := func() (r event.Reading) {
		r.Before = s.tick()
		s.step()
		r.Value = switches()
		s.step()
		r.After = s.tick()
		return r
	}
	r.ctxt[0] = read()
	r.w.Open = s.tick()
	steps(1500)
	r.w.Close = s.tick()
	r.ctxt[1] = read()
	steps(40)
	r.end = s.walk()
	steps(40)
	s.end()
	r.events = s.events[first:]
	return r
}

func (r *recorded) options() Options {
	return Options{All: true, CPUs: len(r.cpus), Ctxt: &r.ctxt}
}

// table is what the kernel says of tasks when asked for it at the end.
func (r *recorded) table() []event.Task {
	var list []event.Task
	for _, t := range r.list {
		list = append(list, event.Task{TID: int(t.id) + 100, Started: t.born})
	}
	return list
}

func (r *recorded) clip(from, to int64) int64 {
	return max(min(to, r.w.Close)-max(from, r.w.Open), 0)
}

func (r *recorded) inside(t int64) bool { return t >= r.w.Open && t < r.w.Close }

func (r *recorded) number(times []int64) (n uint64) {
	for _, t := range times {
		if r.inside(t) {
			n++
		}
	}
	return n
}

// truth is what the analysis must find of a task. The distributions are number and sum.
type truth struct {
	Totals
	wakeup, queue, span, blocked, compound [2]int64
}

func (r *recorded) truth(t *simTask) truth {
	var w truth
	for _, s := range t.spans {
		d := r.clip(s.from, s.to)
		// What went on when nobody was looking is known only as far back as the snapshot.
		whole := s.from >= r.w.Open && s.to < r.w.Close && s.to < r.now
		into := func(h *[2]int64) {
			if whole {
				h[0]++
				h[1] += s.to - s.from
			}
		}
		switch s.what {
		case Running:
			w.OnCPU += dur(d)
			into(&w.span)
		case Sleeping:
			w.Blocked += dur(d)
			into(&w.blocked)
		case Waiting:
			w.RunQueue += dur(d)
			into(&w.queue)
			if s.start == afterWaking || s.start == afterEarlyWaking {
				into(&w.wakeup)
				if whole {
					w.compound[0]++
					w.compound[1] += s.compound
				}
			}
		default:
			continue
		}
		w.Life += dur(d)
		if !whole && d > 0 {
			w.Censored.Add(dur(d))
		}
	}
	n := r.number
	w.Switches = event.Switches{Voluntary: n(t.voluntary), Involuntary: n(t.involuntary),
		Yields: n(t.yields), Lazy: n(t.lazy),
		AddressSpace: n(t.addressSpace), Thread: n(t.thread), Kept: n(t.kept)}
	w.Wakeups, w.WakeupsByInterrupt, w.SpuriousWakeups, w.EarlyWakeups = n(t.wakings), n(t.irq),
		n(t.spurious), n(t.early)
	w.Migrations.Total, w.Migrations.AtWakeup, w.Migrations.ForkedAway = n(t.migrations),
		n(t.atWakeup), n(t.away)
	w.Migrations.Balancing = w.Migrations.Total - w.Migrations.AtWakeup
	return w
}

func found(t *TaskResult) truth {
	of := func(h *hist.Histogram) [2]int64 { return [2]int64{int64(h.Count()), int64(h.Sum())} }
	w := truth{wakeup: of(&t.WakeupLatency), queue: of(&t.RunQueueLatency), span: of(&t.OnCPUSpan),
		blocked: of(&t.BlockedTime), compound: of(&t.CompoundDelay)}
	w.Totals = t.Totals
	// Not of the window, or looked at elsewhere.
	w.Forks, w.Threads, w.Exits, w.SignalledSwitches = 0, 0, 0, 0
	w.KernelVoluntary, w.KernelInvoluntary, w.TracedVoluntary, w.TracedInvoluntary = 0, 0, 0, 0
	w.ExecTraced, w.ExecKernel = 0, 0
	return w
}

// The whole truth, and nothing but it, when nothing is lost: whatever the window.
func TestTruth(t *testing.T) {
	for seed := range uint64(400) {
		r := record(seed, seed%2 == 1, true)
		if len(r.start) == 0 || len(r.end) == 0 {
			continue // all have died
		}
		a := analyseLast(r.w, r.options(), r.table(), r.start, r.events, r.end, r.last)
		tasks := 0
		for _, st := range r.list {
			want := r.truth(st)
			if want.Life == 0 && want.Switches == (event.Switches{}) {
				continue
			}
			tasks++
			if got := found(a.task(st.id)); got != want && !t.Failed() {
				t.Errorf("seed %d task %d:\ngot  %+v\nwant %+v", seed, st.id, got, want)
			}
		}
		for _, c := range a.Checks {
			if c.Name == "sum_exec_runtime" && c.Traced == 0 ||
				c.Name == "run_delay" && c.Status == event.Unavailable {
				continue // nobody came and left, or had books at both ends
			}
			if !c.OK() {
				t.Errorf("seed %d: %+v", seed, c)
			}
		}
		if c := a.check("sum_exec_runtime"); c.Traced != c.Kernel {
			t.Errorf("seed %d: %+v", seed, c)
		}
		if got, want := pairList(a.Preemptors), pairList(r.pairs(afterPreemption)); got != want {
			t.Errorf("seed %d: preemptors\ngot  %s\nwant %s", seed, got, want)
		}
		if got, want := pairList(a.Wakers), pairList(r.pairs(afterWaking)); got != want {
			t.Errorf("seed %d: wakers\ngot  %s\nwant %s", seed, got, want)
		}
		r.checkCPUs(t, seed, a)
		if a.Strange+a.Disordered+a.Refused != 0 {
			t.Errorf("seed %d: strange %d, disordered %d, refused %d", seed, a.Strange,
				a.Disordered, a.Refused)
		}
		if t.Failed() {
			return
		}
	}
}

// pairs returns a matrix.
func (r *recorded) pairs(start int) []Pair {
	m := map[[2]event.TaskID]*Pair{}
	for _, t := range r.list {
		for _, s := range t.spans {
			if s.what != Waiting || s.start != start &&
				!(start == afterWaking && s.start == afterEarlyWaking) {
				continue
			}
			// A wait that began before anybody looked has no known cause.
			if s.from <= r.attached || s.via <= r.attached {
				continue
			}
			p := m[[2]event.TaskID{s.by, t.id}]
			if p == nil {
				p = &Pair{Of: t.id}
				p.By, p.Interrupt = whom(s.by)
				m[[2]event.TaskID{s.by, t.id}] = p
			}
			p.Time += dur(r.clip(s.from, s.to))
			if r.inside(s.via) {
				p.Count++
			}
		}
	}
	var list []Pair
	for _, p := range m {
		if p.Count > 0 || p.Time > 0 {
			list = append(list, *p)
		}
	}
	slices.SortFunc(list, func(a, b Pair) int {
		return cmp.Or(cmp.Compare(b.Time, a.Time), cmp.Compare(b.Count, a.Count),
			cmp.Compare(a.By, b.By),
			cmp.Compare(a.Interrupt, b.Interrupt), cmp.Compare(a.Of, b.Of))
	})
	return list
}

// checkCPUs compares what is said of CPUs and queues.
func (r *recorded) checkCPUs(t *testing.T, seed uint64, a *Result) {
	known := true // every CPU had a switch before the window, so that who was on it is known
	for i := range r.cpus {
		var busy, idle int64
		seen := false
		for _, s := range r.cpus[i].history {
			if s.what == Running {
				busy += r.clip(s.from, s.to)
			} else {
				idle += r.clip(s.from, s.to)
			}
			seen = seen || s.from > r.attached && s.from < r.w.Open
		}
		known = known && seen
		if c := &a.CPUs[i]; int64(c.Busy) != busy || int64(c.Idle) != idle || c.Unknown != 0 ||
			c.Breaks != 0 {
			t.Errorf("seed %d CPU %d: got %+v, want busy %d, idle %d", seed, i, *c, busy, idle)
		}
	}
	if r.early {
		// a task whose waking came early is not known to be on a queue until it comes to the CPU
		return
	}

	// All lengths in the order of time.
	type change struct {
		simLength
		cpu int
	}
	var all []change
	for i := range r.cpus {
		for _, l := range r.cpus[i].lengths {
			all = append(all, change{l, i})
		}
	}
	slices.SortStableFunc(all, func(a, b change) int { return cmp.Compare(a.at, b.at) })
	now := make([]simLength, len(r.cpus))
	since := make([]int64, len(r.cpus))
	var perCPU = make([]map[int]int64, len(r.cpus))
	for i := range perCPU {
		perCPU[i] = map[int]int64{}
	}
	var waste Waste
	var from int64
	wasting := false
	for i, c := range all {
		perCPU[c.cpu][now[c.cpu].n] += r.clip(since[c.cpu], c.at)
		now[c.cpu], since[c.cpu] = c.simLength, c.at
		if i+1 < len(all) && all[i+1].at == c.at {
			continue
		}
		spare, full := false, false
		for _, l := range now {
			spare = spare || l.idle && l.n == 0
			full = full || !l.idle && l.n > 0
		}
		switch is := spare && full; {
		case is && !wasting:
			from, wasting = c.at, true
		case !is && wasting:
			wasting = false
			if d := dur(r.clip(from, c.at)); d > 0 {
				waste.Count++
				waste.Time += d
				waste.Longest = max(waste.Longest, d)
			}
		}
	}
	if d := dur(r.clip(from, r.now)); wasting && d > 0 {
		waste.Count++
		waste.Time += d
		waste.Longest = max(waste.Longest, d)
	}
	for i := range perCPU {
		perCPU[i][now[i].n] += r.clip(since[i], r.now)
		got := map[int]int64{}
		for n, d := range a.CPUs[i].Queue.Time {
			got[n] = int64(d)
		}
		for n := range 30 {
			if got[n] != perCPU[i][n] {
				t.Errorf("seed %d CPU %d: queue of %d for %d ns, want %d", seed, i, n, got[n],
					perCPU[i][n])
			}
		}
	}
	var area, total int64 // the whole machine's: of each task's waiting
	for _, task := range r.list {
		for _, s := range task.spans {
			if s.what == Waiting {
				area += r.clip(s.from, s.to)
			}
		}
	}
	for n, d := range a.Queue.Time {
		total += int64(n) * int64(d)
	}
	if total != area {
		t.Errorf("seed %d: all queues: %d task-ns, want %d", seed, total, area)
	}
	if got := a.Waste; known && (got.Count != waste.Count || got.Time != waste.Time ||
		got.Longest != waste.Longest) {
		t.Errorf("seed %d: waste %d×%d longest %d, want %d×%d longest %d", seed, got.Count,
			got.Time, got.Longest, waste.Count, waste.Time, waste.Longest)
	}
}

// lose takes events away, as full rings would.
func (r *recorded) lose(rnd *rand.Rand) {
	var kept []event.Event
	type hole struct {
		cpu      uint16
		from, to int64
		lost     event.Lost
	}
	var holes []hole
	first, last := r.events[0].Time, r.events[len(r.events)-1].Time
	for range 1 + rnd.IntN(4) {
		from := first + rnd.Int64N(last-first+1)
		holes = append(holes, hole{cpu: uint16(rnd.IntN(len(r.cpus))), from: from, to: from +
			rnd.Int64N((last-first)/8+1)})
	}
next:
	for _, e := range r.events {
		for i := range holes {
			h := &holes[i]
			if e.CPU != h.cpu || e.Time < h.from || e.Time > h.to {
				continue
			}
			if h.lost.Count == 0 {
				h.lost.CPU, h.lost.First = int(h.cpu), e.Time
			}
			h.lost.Last = e.Time
			h.lost.Count++
			continue next
		}
		kept = append(kept, e)
	}
	r.events = kept
	for _, h := range holes {
		if h.lost.Count > 0 {
			r.lost = append(r.lost, h.lost)
		}
	}
}

// With events lost, what is said to be known is true; what may not be is marked; all adds up; and
// the switches that are missing are counted, every one.
func TestTruthWithLosses(t *testing.T) {
	var murky, touched, whole int
	for seed := range uint64(400) {
		r := record(seed, seed%2 == 1, seed%4 > 1)
		if len(r.events) == 0 || len(r.end) == 0 { // all have died
			continue
		}
		all := r.events
		r.lose(rand.New(rand.NewPCG(seed, 3)))
		o := r.options()
		o.Interval = func(v *Interval) {
			switch {
			case v.Task.Idle():
				if !r.idleIn(v) {
					t.Errorf("seed %d: CPU %d was not idle: %+v", seed, v.CPU, *v)
				}
			case v.What == Nothing:
				murky++
			case v.Touched && v.What != Running:
				touched++
			case !r.is(v):
				t.Errorf("seed %d: not so: %+v\n%+v\n%v", seed, *v, r.list[v.Task].spans, r.lost)
			default:
				whole++
			}
		}
		a := analyseLast(r.w, o, r.table(), r.start, r.events, r.end,
			r.last, r.lost...)
		for i := range a.Tasks {
			got := &a.Tasks[i]
			if got.OnCPU+got.Blocked+got.RunQueue+got.Unknown != got.Life {
				t.Errorf("seed %d task %d: %+v does not add up", seed, got.ID, got.Totals)
			}
			want := r.truth(r.list[got.ID])
			slack := got.Unknown + got.Touched.Time
			if off := got.OnCPU - want.OnCPU; off > slack || off < -slack {
				t.Errorf("seed %d task %d: on CPU %d, in truth %d, unknown %d, touched %d", seed,
					got.ID, got.OnCPU, want.OnCPU, got.Unknown, got.Touched.Time)
			}
		}
		if r.quiet {
			// A voluntary switch that a signal cut short cannot be told from an involuntary one
			// next to a loss.
			r.checkMissing(t, seed, a, all)
		}
		if t.Failed() {
			return
		}
	}
	if murky < 100 || touched < 100 || whole < 1000 {
		t.Errorf("looked at too little: %d not known, %d touched, %d whole", murky, touched, whole)
	}
}

// checkMissing compares the switches said to be missing with those taken away.
func (r *recorded) checkMissing(t *testing.T, seed uint64, a *Result, all []event.Event) {
	missing := map[event.TaskID]int{}
	bounds := map[event.TaskID][2]uint64{} // counters at the walks
	for _, s := range r.start {
		bounds[s.Task] = [2]uint64{s.NVCSW + s.NIVCSW, 1 << 62}
	}
	for _, s := range r.end {
		b := bounds[s.Task]
		b[1] = s.NVCSW + s.NIVCSW
		bounds[s.Task] = b
	}
	index := map[event.TaskID]uint64{}
	for _, st := range r.list {
		index[st.id] = st.nv + st.niv
	}
	count := func(events []event.Event, by int) {
		for i := range events {
			if e := &events[i]; e.Kind == event.Switch && e.Task >= 0 {
				missing[e.Task] += by
			}
		}
	}
	// Only those between the walks: count from the truth's own end backwards.
	between := func(events []event.Event) []event.Event {
		left := map[event.TaskID]uint64{}
		for id, n := range index {
			left[id] = n
		}
		var list []event.Event
		for i := len(events) - 1; i >= 0; i-- {
			e := events[i]
			if e.Kind != event.Switch || e.Task < 0 {
				continue
			}
			n := left[e.Task]
			left[e.Task]--
			b, ok := bounds[e.Task]
			if !ok {
				b = [2]uint64{0, 1 << 62}
			}
			if n > b[0] && n <= b[1] {
				list = append(list, e)
			}
		}
		return list
	}
	inAll := between(all)
	keep, made := map[event.Event]bool{}, map[event.TaskID]bool{}
	for _, e := range r.events {
		keep[e] = true
		made[e.Task] = made[e.Task] || e.Kind == event.New || e.Kind == event.WakeNew
	}
	count(inAll, 1)
	for _, e := range inAll {
		if keep[e] {
			missing[e.Task]--
		}
	}
	for i := range a.Tasks {
		got := &a.Tasks[i]
		st := r.list[got.ID]
		if _, ended := bounds[got.ID]; st.gone || !ended || st.born > r.attached && !made[got.ID] {
			continue // where its counters began or ended is lost
		}
		if n := int(got.MissingVoluntary + got.MissingInvoluntary); n != missing[got.ID] {
			t.Errorf("seed %d task %d: %d switches missing, in truth %d", seed, got.ID, n,
				missing[got.ID])
		}
	}
}

// is reports whether a task did in truth what an interval says.
func (r *recorded) is(v *Interval) bool {
	for _, s := range r.list[v.Task].spans {
		if s.to <= v.From || s.from >= v.To || s.from == s.to {
			continue
		}
		if s.what != v.What || v.What == Running && s.cpu != v.CPU {
			return false
		}
	}
	return true
}

func (r *recorded) idleIn(v *Interval) bool {
	for _, s := range r.cpus[v.CPU].history {
		if s.to > v.From && s.from < v.To && s.from < s.to && s.what != Nothing {
			return false
		}
	}
	return true
}

// Two CPUs' clocks disagree by a little, so that the order of time is not the order of what
// happened: each task's time adds up all the same, no switch is taken for missing, and what is said
// of it is off by no more than the clocks are.
func TestTruthWithClocksApart(t *testing.T) {
	var negative, early uint64
	for seed := range uint64(300) {
		r := record(seed, seed%2 == 1, true)
		if len(r.start) == 0 || len(r.end) == 0 {
			continue
		}
		const apart = 40 // ns; a task is on its way from one CPU to another for as little as 1
		for i := range r.events {
			e := &r.events[i]
			e.Time += int64(e.CPU) * apart / int64(len(r.cpus))
		}
		slices.SortStableFunc(r.events, func(a, b event.Event) int {
			return cmp.Compare(a.Time, b.Time)
		})
		o := r.options()
		o.Ctxt = nil
		a := analyse(r.w, o, r.table(), r.start, r.events, r.end)
		for i := range a.Tasks {
			got := &a.Tasks[i]
			want := r.truth(r.list[got.ID])
			if got.OnCPU+got.Blocked+got.RunQueue+got.Unknown != got.Life {
				t.Errorf("seed %d task %d: %+v does not add up", seed, got.ID, got.Totals)
			}
			negative += got.NegativeIntervals
			early += got.EarlyWakeups
			switches := want.Switches.Voluntary + want.Switches.Involuntary + want.Wakeups + 4
			slack := got.Unknown + dur(int64(switches)*2*apart)
			if d := got.OnCPU - want.OnCPU; d > slack || d < -slack {
				t.Errorf("seed %d task %d: on CPU %d, in truth %d, unknown %d", seed, got.ID,
					got.OnCPU, want.OnCPU, got.Unknown)
			}
			if got.Unknown > got.Life/10 {
				t.Errorf("seed %d task %d: %v of %v unknown", seed, got.ID, got.Unknown, got.Life)
			}
		}
		for _, name := range []string{"nvcsw", "nivcsw"} {
			if c := a.check(name); !c.OK() {
				t.Errorf("seed %d: %+v", seed, c)
			}
		}
		if t.Failed() {
			return
		}
	}
	if negative == 0 || early == 0 {
		t.Errorf("%d negative intervals, %d early wakings: looked at nothing", negative, early)
	}
}
