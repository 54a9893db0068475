package sched

import (
	"strings"
	"testing"
	"time"

	"switchyard/trace/event"
)

// A run of two tasks on one CPU that every check can be made of.
func checked(s *tiny) (start, end []event.Snapshot) {
	start = append(start, s.snap(900, 1, 0, event.OnCPU), s.snap(901, 2, 0, event.Blocked))
	s.sw(1100, 0, 1, -1, sleeps)
	s.wake(1200, 0, 1, -1, 0)
	s.wake(1201, 0, 2, -1, 0)
	s.sw(1250, 0, -1, 1, sleeps)
	s.sw(1500, 0, 1, 2, preempted)
	s.sw(1600, 0, 2, 1, sleeps)
	s.sw(1700, 0, 1, -1, sleeps)
	end = append(end, s.snap(2100, 1, 0, event.Blocked), s.snap(2101, 2, 0, event.Blocked))
	for i := range start {
		start[i].HasRunDelay, end[i].HasRunDelay = true, true
		start[i].RunDelay, end[i].RunDelay = 5000, 5000
	}
	end[0].RunDelay += 150 // 50 and 100
	end[1].RunDelay += 299
	return start, end
}

func TestChecks(t *testing.T) {
	ctxt := func(from, to uint64) *[2]event.Reading {
		return &[2]event.Reading{{Before: 990, After: 1000, Value: from},
			{Before: 2000, After: 2010, Value: to}}
	}
	for _, c := range []struct {
		name   string
		change func(s *tiny, start, end []event.Snapshot, o *Options) []event.Snapshot
		fails  string // the only check that does; "" none
		says   string
	}{
		{name: "all is well"},
		{
			name: "nvcsw",
			change: func(s *tiny, start, end []event.Snapshot, o *Options) []event.Snapshot {
				end[1].NVCSW++
				return end
			},
			// it ran once more, unseen
			fails: "nvcsw life", says: "task 102 (two): traced 1, kernel 2",
		},
		{
			name: "nivcsw",
			change: func(s *tiny, start, end []event.Snapshot, o *Options) []event.Snapshot {
				end[0].NIVCSW++
				return end
			},
			fails: "nivcsw life", says: "differs by -1",
		},
		{
			name: "ctxt, one too many for the time it took to read it",
			change: func(s *tiny, start, end []event.Snapshot, o *Options) []event.Snapshot {
				o.Ctxt = ctxt(100, 106)
				return end
			},
			fails: "ctxt", says: "differs by -1",
		},
		{
			name: "ctxt, a switch while it was read may be in it or not",
			change: func(s *tiny, start, end []event.Snapshot, o *Options) []event.Snapshot {
				s.sw(2005, 0, -1, 2, sleeps)
				s.sw(2008, 0, 2, -1, sleeps)
				o.Ctxt = ctxt(100, 106)
				return end
			},
		},
		{
			name: "sum_exec_runtime",
			change: func(s *tiny, start, end []event.Snapshot, o *Options) []event.Snapshot {
				s.events[6].Value += 20_000_000
				return end
			},
			fails: "sum_exec_runtime", says: "task 101 (one)",
		},
		{
			name: "sum_exec_runtime, what the task clock leaves out",
			change: func(s *tiny, start, end []event.Snapshot, o *Options) []event.Snapshot {
				s.events[6].Value += 20_000_000
				o.Steal, o.Interrupts = 10*time.Millisecond, 10*time.Millisecond
				return end
			},
		},
		{
			name: "run_delay more than was waited",
			change: func(s *tiny, start, end []event.Snapshot, o *Options) []event.Snapshot {
				end[0].RunDelay += 1_000_000
				return end
			},
			fails: "run_delay", says: "kernel 1.00015ms, which is not between 0s and 5",
		},
		{
			name: "a task that the second walk does not find",
			change: func(s *tiny, start, end []event.Snapshot, o *Options) []event.Snapshot {
				return end[:1]
			},
			fails: "life tasks", says: "task 102 (two): it was not seen to end, and is not there",
		},
		{
			name: "a task that the second walk does not find, on its way out",
			change: func(s *tiny, start, end []event.Snapshot, o *Options) []event.Snapshot {
				s.add(event.Event{Kind: event.Exit, Time: 1900, Task: 2})
				return end[:1]
			},
		},
		{
			name: "a task that comes out of nowhere",
			change: func(s *tiny, start, end []event.Snapshot, o *Options) []event.Snapshot {
				return append(end, event.Snapshot{Time: 2102, Task: 3, Activity: event.Blocked})
			},
			fails: "tasks", says: "was not seen to come",
		},
		{
			name: "a chain break",
			change: func(s *tiny, start, end []event.Snapshot, o *Options) []event.Snapshot {
				s.sw(1800, 0, 2, -1, sleeps)
				e := s.snap(2101, 2, 0, event.Blocked)
				e.HasRunDelay, e.RunDelay = true, 5299
				end[1] = e
				o.Ctxt = ctxt(100, 106)
				return end
			},
			fails: "cpu chain", says: "1 switch away from a task that was not there",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newTiny()
			start, end := checked(s)
			o := Options{All: true, CPUs: 1, Ctxt: ctxt(100, 105)}
			if c.change != nil {
				end = c.change(s, start, end, &o)
			}
			table := []event.Task{{}, {TID: 101, Name: "one"}, {TID: 102, Name: "two"}, {TID: 103}}
			r := analyse(event.Window{Open: 1000, Close: 2000}, o, table, start, s.events, end)
			said := ""
			for _, check := range r.Checks {
				if should := strings.Contains(" "+c.fails+" ", " "+check.Name+" "); check.OK() ==
					should {
					t.Errorf("%+v", check)
				}
				if !check.OK() {
					said += check.Reason + "\n"
				}
			}
			if !strings.Contains(said, c.says) {
				t.Errorf("it says %q, want %q", said, c.says)
			}
		})
	}
}

// The recorder's own threads are in no result, but in the sums.
func TestTracerIsLeftOut(t *testing.T) {
	s := newTiny()
	start, end := checked(s)
	table := []event.Task{{}, {TID: 101, Tracer: true}, {TID: 102}}
	r := analyse(event.Window{Open: 1000, Close: 2000}, Options{All: true, CPUs: 1}, table, start,
		s.events, end)
	if len(r.Tasks) != 1 || r.Tasks[0].ID != 2 || r.Total.OnCPU != 100 {
		t.Errorf("got %d tasks, on CPU %d", len(r.Tasks), r.Total.OnCPU)
	}
	if got := times(&r.Tracer); got != "on 450 blocked 400 queue 150" {
		t.Errorf("the tracer: %s", got)
	}
	if got := pairList(r.Preemptors); got != "" {
		t.Errorf("preemptors of the tracer: %s", got)
	}
	if c := r.check("nvcsw"); c.Traced != 3 || !c.OK() {
		t.Errorf("%+v", c)
	}
	if r.CPUs[0].Busy != 550 {
		t.Errorf("%+v", r.CPUs[0])
	}
}

// Of a recording of some tasks: what is found of them is the truth, whoever else there is.
func TestTruthOfSome(t *testing.T) {
	for seed := range uint64(200) {
		r := record(seed, seed%2 == 1, true)
		about := func(id event.TaskID) bool { return id >= 0 && id%3 == 0 }
		var events []event.Event
		for _, e := range r.events {
			if !about(e.Task) {
				e.Flags &^= event.FlagTaskTraced
			}
			if e.Kind == event.Switch && !about(e.Other) {
				e.Flags &^= event.FlagOtherTraced
			}
			if about(e.Task) || e.Kind == event.Switch && about(e.Other) {
				events = append(events, e)
			}
		}
		table := r.table()
		for i := range table {
			table[i].Traced = about(event.TaskID(i))
		}
		a := analyseLast(r.w, Options{CPUs: len(r.cpus)}, table, r.start, events, r.end, r.last)
		for i := range a.Tasks {
			got := &a.Tasks[i]
			if !about(got.ID) {
				t.Errorf("seed %d: task %d is not one of them", seed, got.ID)
			}
			want, have := r.truth(r.list[got.ID]), found(got)
			// Who is woken by whom is known only of some; so are chains.
			want.compound, have.compound = [2]int64{}, [2]int64{}
			if have != want {
				t.Errorf("seed %d task %d:\ngot  %+v\nwant %+v", seed, got.ID, have, want)
			}
		}
		for _, c := range a.Checks {
			if c.Status == event.Fail {
				t.Errorf("seed %d: %+v", seed, c)
			}
		}
		if t.Failed() {
			return
		}
	}
}

// 100,000 tasks with a life each.
func TestMemory(t *testing.T) {
	const tasks = 100_000
	s := newTiny()
	a := NewAnalysis(event.Window{Open: 0, Close: 1 << 50}, Options{All: true, CPUs: 2})
	before := heapInUse()
	for id := range event.TaskID(tasks) {
		at := 1000 + int64(id)*100_000
		s.events = s.events[:0]
		s.fork(at, 1, id, -2, 0)
		s.sw(at+500+int64(id), 0, -1, id, sleeps)
		s.sw(at+30_000, 0, id, -1, sleeps)
		s.wake(at+50_000, 1, id, -2, 0)
		s.sw(at+60_000, 0, -1, id, sleeps)
		s.sw(at+90_000, 0, id, -1, dies)
		delete(s.tasks, id)
		for i := range s.events {
			a.Event(&s.events[i])
		}
	}
	s = nil
	each := (heapInUse() - before) / tasks
	t.Logf("%d bytes a task", each)
	if each > 2048 {
		t.Errorf("%d bytes a task, more than 2 KiB", each)
	}
	if r := a.Result(); len(r.Tasks) != tasks || r.Total.Wakeups != tasks {
		t.Errorf("%d tasks, %d wake-ups", len(r.Tasks), r.Total.Wakeups)
	}
}

// Messages tell tasks apart that have neither number nor name.
func TestNameOf(t *testing.T) {
	a := &Analysis{table: []event.Task{{TID: 7, Name: "named"}, {Name: "outside"}, {}}}
	for id, want := range []string{"task 7 (named)", "task 0 (outside)", "task #2", "task #3"} {
		if got := a.nameOf(event.TaskID(id)); got != want {
			t.Errorf("task %d: %s, want %s", id, got, want)
		}
	}
}

// TestNested: from inside a PID namespace the sums over all tasks are not available, and say why.
func TestNested(t *testing.T) {
	for _, o := range []Options{{All: true, Nested: true}, {All: true}, {Nested: true}} {
		a := NewAnalysis(event.Window{Open: 0, Close: 100}, o)
		for _, e := range []event.Snapshot{{Task: 0, Time: 0, Activity: event.OnCPU}} {
			a.Start(&e)
			e.Time = 100
			a.End(&e)
		}
		for _, c := range a.Result().Checks {
			if c.Name == "life" || c.Name == "tasks" {
				if got, want := c.Status == event.Unavailable && c.Reason == nested, o.All &&
					o.Nested; got != want {
					t.Errorf("%+v: %+v", o, c)
				}
			}
		}
	}
}
