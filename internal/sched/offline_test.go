package sched

import (
	"reflect"
	"strings"
	"testing"

	"switchyard/trace/event"
)

// unplugged is CPU 1 as it goes offline and comes back, with its stopper, task 2, and a task that
// sleeps, 3. On CPU 0 task 1 takes it down and brings it up.
func unplugged(s *tiny) (start, end []event.Snapshot) {
	start = append(start, s.snap(900, 1, 0, event.OnCPU), s.snap(901, 2, 1, event.Blocked),
		s.snap(902, 3, 1, event.Blocked))
	s.wake(1050, 1, 3, -2, 1)
	s.sw(1100, 1, -2, 3, sleeps)
	s.sw(1150, 1, 3, -2, sleeps)
	s.wake(1190, 0, 2, 1, 1)
	s.sw(1200, 1, -2, 2, sleeps)
	s.goes(1230, 1)
	s.wake(1590, 0, 2, 1, 1)
	s.sw(1600, 1, -2, 2, sleeps)
	s.sw(1650, 1, 2, -2, sleeps)
	s.comes(1660, 1)
	end = append(end, s.snap(2100, 1, 0, event.OnCPU), s.snap(2101, 2, 1, event.Blocked),
		s.snap(2102, 3, 1, event.Blocked))
	return start, end
}

// goes is a CPU that is offline, whose stopper, task 2, has gone to sleep unseen.
func (s *tiny) goes(at int64, cpu int) {
	t := s.task(2)
	t.nv++
	t.exec += 20
	t.in = -1
	s.add(event.Event{Kind: event.Offline, Time: at, Task: event.NoTask, Other: event.NoTask,
		Value: int64(cpu)})
}

func (s *tiny) comes(at int64, cpu int) {
	s.add(event.Event{Kind: event.Online, Time: at, Task: event.NoTask, Other: event.NoTask,
		CPU: uint16(cpu), Value: int64(cpu)})
}

func TestOffline(t *testing.T) {
	const leftOut = "1 task left out, on a CPU that went offline: task 102 (migration/1)"
	ctxt := func(n uint64) *[2]event.Reading {
		return &[2]event.Reading{{Before: 999, After: 1000}, {Before: 2000, After: 2001, Value: n}}
	}
	for _, c := range []struct {
		name   string
		change func(s *tiny, start, end []event.Snapshot, o *Options) (e []event.Snapshot)
		fails  string // the checks that do
		want   []event.Absence
		cpu    CPU // of CPU 1: its times
		says   map[string]string
	}{
		{
			name: "goes and comes back",
			want: []event.Absence{{CPU: 1, From: 200, To: 600}},
			cpu:  CPU{Busy: 100, Idle: 500, Offline: 400},
			says: map[string]string{"nvcsw": leftOut, "nivcsw": leftOut, "life": leftOut,
				"cpu": "left out while offline: CPU 1 for 400ns", "chain": ""},
		},
		{
			name: "another task is wrong",
			change: func(s *tiny, start, end []event.Snapshot, o *Options) []event.Snapshot {
				end[2].NVCSW++
				return end
			},
			fails: "nvcsw life",
			want:  []event.Absence{{CPU: 1, From: 200, To: 600}},
			cpu:   CPU{Busy: 100, Idle: 500, Offline: 400},
			says:  map[string]string{"nvcsw": leftOut},
		},
		{
			name: "one switch more is not explained by it",
			change: func(s *tiny, start, end []event.Snapshot, o *Options) []event.Snapshot {
				o.Ctxt = ctxt(7)
				return end
			},
			fails: "ctxt",
			want:  []event.Absence{{CPU: 1, From: 200, To: 600}},
			cpu:   CPU{Busy: 100, Idle: 500, Offline: 400},
		},
		{
			name: "nobody has said so",
			change: func(s *tiny, start, end []event.Snapshot, o *Options) []event.Snapshot {
				s.drop(event.Offline)
				return end
			},
			fails: "nvcsw life",
			cpu:   CPU{Busy: 100, Idle: 500, Unknown: 400},
		},
		{
			name: "it does not come back",
			change: func(s *tiny, start, end []event.Snapshot, o *Options) []event.Snapshot {
				s.events = s.events[:6]
				o.Ctxt = ctxt(4)
				end[1].NVCSW--
				return end
			},
			want: []event.Absence{{CPU: 1, From: 200, To: 1000}},
			cpu:  CPU{Busy: 50, Idle: 150, Offline: 800},
			says: map[string]string{"nvcsw": leftOut, "life": leftOut},
		},
		{
			name: "it was offline when the window opened",
			change: func(s *tiny, start, end []event.Snapshot, o *Options) []event.Snapshot {
				s.events = s.events[6:]
				for i := range start {
					start[i].NVCSW, start[i].Exec = end[i].NVCSW, end[i].Exec
				}
				start[1].NVCSW, start[1].Exec = 1, 20
				o.Online, o.Ctxt = []int{0}, ctxt(2)
				return end
			},
			want: []event.Absence{{CPU: 1, From: 0, To: 600}},
			cpu:  CPU{Busy: 50, Idle: 350, Offline: 600},
			says: map[string]string{"nvcsw": "", "life": ""},
		},
		{
			name: "a switch is the first that is heard of it",
			change: func(s *tiny, start, end []event.Snapshot, o *Options) []event.Snapshot {
				s.drop(event.Online)
				return end
			},
			want: []event.Absence{{CPU: 1, From: 200, To: 600}},
			cpu:  CPU{Busy: 100, Idle: 500, Offline: 400},
		},
		{
			name: "nothing is heard of it but that it is back",
			change: func(s *tiny, start, end []event.Snapshot, o *Options) []event.Snapshot {
				s.events = s.events[:6]
				s.add(event.Event{Kind: event.Online, Time: 1700, Value: 1, Task: event.NoTask})
				o.Ctxt = ctxt(4)
				end[1].NVCSW--
				return end
			},
			want: []event.Absence{{CPU: 1, From: 200, To: 700}},
			cpu:  CPU{Busy: 50, Idle: 450, Offline: 500},
		},
		{
			name: "only some tasks are recorded",
			change: func(s *tiny, start, end []event.Snapshot, o *Options) []event.Snapshot {
				o.All = false
				return end
			},
			want: []event.Absence{{CPU: 1, From: 230, To: 600}}, // when it was said
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newTiny()
			start, end := unplugged(s)
			o := Options{All: true, Online: []int{0, 1}, Ctxt: ctxt(6)}
			if c.change != nil {
				end = c.change(s, start, end, &o)
			}
			table := []event.Task{{}, {TID: 101, Name: "sh", Traced: true},
				{TID: 102, Name: "migration/1", Traced: true}, {TID: 103, Name: "three",
					Traced: true}}
			r := analyse(event.Window{Open: 1000, Close: 2000}, o, table, start, s.events, end)
			for _, check := range r.Checks {
				should := strings.Contains(" "+c.fails+" ", " "+check.Name+" ")
				if (check.Status == event.Fail) != should {
					t.Errorf("%+v", check)
				}
				says, any := c.says[check.Name]
				if any && (says == "") != (check.Reason == "") ||
					!strings.Contains(check.Reason, says) {
					t.Errorf("%s says %q, want %q", check.Name, check.Reason, says)
				}
			}
			if !reflect.DeepEqual(r.Offline, c.want) {
				t.Errorf("offline %+v, want %+v", r.Offline, c.want)
			}
			if !o.All {
				return
			}
			got := r.CPUs[1]
			if got.Busy != c.cpu.Busy || got.Idle != c.cpu.Idle || got.Unknown != c.cpu.Unknown ||
				got.Offline != c.cpu.Offline {
				t.Errorf("CPU 1: %+v", got)
			}
			if d := r.CPUs[0]; d.Busy != 1000 {
				t.Errorf("CPU 0: %+v", d)
			}
			if three := r.task(3); times(&three.Totals) != "on 50 blocked 900 queue 50" &&
				o.Online[len(o.Online)-1] == 1 && c.fails != "nvcsw life" {
				t.Errorf("the task that sleeps: %s", times(&three.Totals))
			}
		})
	}
}

// TestOfflineRunDelay: when a task came to a queue is not known as it is else, when all CPUs stand
// still for one to go.
func TestOfflineRunDelay(t *testing.T) {
	for _, goes := range []bool{false, true} {
		s := newTiny()
		start, end := unplugged(s)
		if !goes {
			s.drop(event.Offline)
		}
		for i := range start {
			start[i].HasRunDelay, end[i].HasRunDelay = true, true
			start[i].RunDelay = 5000
			end[i].RunDelay = 1e6 // nothing like it was seen
		}
		r := analyse(event.Window{Open: 1000, Close: 2000}, Options{All: true, Online: []int{0, 1}},
			nil, start, s.events, end)
		want := event.Fail
		if goes {
			want = event.Unavailable
		}
		if c := r.check("run_delay"); c.Status != want || !strings.Contains(c.Reason, "wrong") ||
			strings.Contains(c.Reason, "books were not read") {
			t.Errorf("a CPU goes: %v: %+v", goes, c)
		}
	}
}

// drop takes the events of a kind out.
func (s *tiny) drop(kind event.Kind) {
	var rest []event.Event
	for _, e := range s.events {
		if e.Kind != kind {
			rest = append(rest, e)
		}
	}
	s.events = rest
}

// TestOfflineThroughout: a CPU that is offline all the time is in no result, wherever its number
// stands among the others, and nobody waits while it idles.
func TestOfflineThroughout(t *testing.T) {
	s := newTiny()
	start := []event.Snapshot{s.snap(900, 1, 0, event.OnCPU), s.snap(901, 3, 2, event.Blocked)}
	s.wake(1100, 2, 3, -3, 2)
	s.sw(1110, 2, -3, 3, sleeps)
	s.sw(1210, 2, 3, -3, sleeps)
	end := []event.Snapshot{s.snap(2100, 1, 0, event.OnCPU), s.snap(2101, 3, 2, event.Blocked)}
	r := analyse(event.Window{Open: 1000, Close: 2000}, Options{All: true, CPUs: 3,
		Online: []int{0, 2}}, nil, start, s.events, end)
	if len(r.CPUs) != 2 || r.CPUs[1].Number != 2 || r.CPUs[1].Busy != 100 || len(r.Offline) > 0 {
		t.Errorf("%+v, offline %+v", r.CPUs, r.Offline)
	}
	if c := r.check("cpu"); !c.OK() || c.Reason != "" {
		t.Errorf("%+v", c)
	}
}

// TestOfflineQueue: who waits on a CPU that goes is moved away unseen before 5.11. It waits on no
// queue then that anybody knows of, and a CPU that is offline is none that idles while others wait.
func TestOfflineQueue(t *testing.T) {
	s := newTiny()
	start := []event.Snapshot{s.snap(900, 1, 0, event.OnCPU), s.snap(901, 2, 1, event.Blocked),
		s.snap(902, 3, 1, event.Blocked)}
	s.wake(1100, 0, 3, 1, 1)
	s.wake(1190, 0, 2, 1, 1)
	s.sw(1200, 1, -2, 2, sleeps)
	s.goes(1230, 1)
	s.sw(1300, 0, 1, 3, preempted) // it came by in between
	s.sw(1400, 0, 3, 1, sleeps)
	end := []event.Snapshot{s.snap(2100, 1, 0, event.OnCPU), s.snap(2101, 2, 1, event.Blocked),
		s.snap(2102, 3, 0, event.Blocked)}
	r := analyse(event.Window{Open: 1000, Close: 2000}, Options{All: true, Online: []int{0, 1}},
		nil, start, s.events, end)
	if three := r.task(3); times(&three.Totals) != "on 100 blocked 700 queue 200" {
		t.Errorf("the one that was moved: %s", times(&three.Totals))
	}
	// 100 to 230, one or two; then nobody, but 1 from 300 to 400.
	if q := r.Queue; q.Max != 2 || len(q.Time) != 3 || q.Time[1] != 90+30+100 || q.Time[2] != 10 {
		t.Errorf("queue %+v", q)
	}
	if r.Waste.Time != 0 {
		t.Errorf("waste %+v", r.Waste)
	}
}

// TestBackAfterLosses: what was lost of a CPU before it came back, and what was heard of it before,
// is over when it is back.
func TestBackAfterLosses(t *testing.T) {
	for name, do := range map[string]func(s *tiny) (online []int, lost []event.Lost){
		"lost before the window, in which it came": func(s *tiny) ([]int, []event.Lost) {
			s.comes(1500, 1)
			s.sw(2100, 1, 3, -2, sleeps)
			return []int{0}, []event.Lost{{CPU: 1, First: 900, Last: 950, Count: 1}}
		},
		"goes twice, and another CPU says that it came": func(s *tiny) ([]int, []event.Lost) {
			s.wake(1100, 1, 3, -2, 1)
			s.goes(1200, 1)
			s.add(event.Event{Kind: event.Online, Time: 1300, Task: event.NoTask,
				Other: event.NoTask, Value: 1})
			s.goes(1400, 1)
			return []int{0, 1}, nil
		},
	} {
		s := newTiny()
		start := []event.Snapshot{s.snap(900, 3, 1, event.Blocked)}
		online, lost := do(s)
		r := analyse(event.Window{Open: 1000, Close: 2000}, Options{All: true, CPUs: 2,
			Online: online}, nil, start, s.events, nil, lost...)
		if c := r.CPUs[1]; c.Busy+c.Idle+c.Unknown+c.Offline != 1000 {
			t.Errorf("%s: %+v", name, c)
		}
	}
}
