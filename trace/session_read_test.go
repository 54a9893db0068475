package trace_test

import (
	"errors"
	"os"
	"testing"

	"switchyard/trace"
)

// TestRead reads a window that goes on, after each of some turns whose work is known.
func TestRead(t *testing.T) {
	s := session(t, trace.Options{Probes: []string{"syscall", "tlb"}})
	h := start(t, "worker")
	if err := s.Follow(h.pid()); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	var last *trace.Counts
	const turns = 5
	for turn := range uint64(turns) {
		h.do(t, "getppid", 23)
		h.do(t, "spawn", 7)
		c := reading(t, s)
		calls(t, "getppid", c, "getppid", 23*(turn+1))
		exactly(t, "forks", c.Total.Forks, 7*(turn+1))
		exactly(t, "execs", c.Total.Execs, 7*(turn+1))
		exactly(t, "tasks", uint64(len(c.Tasks))+c.OtherTasks,
			c.Started+c.Total.Forks+c.Total.Threads)
		grows(t, last, c)
		last = c
	}
	c, err := s.Stop()
	if err != nil {
		t.Fatal(err)
	}
	sound(t, c)
	grows(t, last, c)
	calls(t, "getppid", c, "getppid", 23*turns)
	exactly(t, "forks", c.Total.Forks, 7*turns)
	exactly(t, "rows", uint64(len(c.Tasks))+c.OtherTasks, c.Started+c.Total.Forks+c.Total.Threads)
}

// TestReadWhileItRuns reads ping and pong all the time they play, and a second session that is
// only read at its end has the same.
func TestReadWhileItRuns(t *testing.T) {
	const rounds = 20011
	s, whole := session(t, trace.Options{}), session(t, trace.Options{})
	h := start(t, "ping", "20011")
	for _, s := range []*trace.Session{whole, s} {
		if err := s.Follow(h.pid()); err != nil {
			t.Fatal(err)
		}
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan bool)
	go func() {
		defer close(done)
		h.do(t, "")
	}()
	var last *trace.Counts
	var sum uint64 // of the differences
	readings := 0
	next := func(c *trace.Counts) {
		before := uint64(0)
		if last != nil {
			before = last.Total.Switches.Voluntary
		}
		grows(t, last, c)
		sum += c.Total.Switches.Voluntary - before
		last = c
	}
	for going := true; going; readings++ {
		select {
		case <-done:
			going = false
		default:
		}
		next(reading(t, s))
	}
	c, err := s.Stop()
	if err != nil {
		t.Fatal(err)
	}
	sound(t, c)
	next(c)
	w, err := whole.Stop()
	if err != nil {
		t.Fatal(err)
	}
	sound(t, w)
	exactly(t, "voluntary switches, the sum of the differences", sum, c.Total.Switches.Voluntary)
	for _, name := range []string{"ping", "pong"} {
		exactly(t, name+"'s voluntary switches, and those of a session that was not read",
			task(t, c, name).Switches.Voluntary, task(t, w, name).Switches.Voluntary)
	}
	exactly(t, "pong's voluntary switches", task(t, c, "pong").Switches.Voluntary, rounds)
	t.Logf("%d readings", readings)
}

func TestReadMisuse(t *testing.T) {
	s := session(t, trace.Options{})
	if _, err := s.Read(); err == nil {
		t.Error("read without start: no error")
	}
	s.Close()
	if _, err := s.Read(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("read a closed session: %v, want os.ErrClosed", err)
	}
}

func reading(t testing.TB, s *trace.Session) *trace.Counts {
	t.Helper()
	c, err := s.Read()
	if err != nil {
		t.Fatal(err)
	}
	balanced(t, c) // the histograms go on while they are read: their sums may not fit their buckets
	return c
}

// grows: no count is less than in the reading before.
func grows(t testing.TB, before, now *trace.Counts) {
	t.Helper()
	if before == nil {
		return
	}
	a, b := &before.Total, &now.Total
	for name, n := range map[string][2]uint64{
		"voluntary switches":   {a.Switches.Voluntary, b.Switches.Voluntary},
		"involuntary switches": {a.Switches.Involuntary, b.Switches.Involuntary},
		"wake-ups":             {a.Wakeups, b.Wakeups},
		"exits":                {a.Exits, b.Exits},
		"page faults":          {a.PageFaults, b.PageFaults},
		"run-queue latencies":  {before.RunQueueLatency.Count(), now.RunQueueLatency.Count()},
		"system calls":         {before.Values.Count("syscalls"), now.Values.Count("syscalls")},
		"life":                 {uint64(a.Life), uint64(b.Life)},
	} {
		if n[1] < n[0] {
			t.Errorf("%s: %d, and %d in the reading before", name, n[1], n[0])
		}
	}
}

// TestReadForks reads while processes are made and end all the time. A reading that tells that it
// could not be made has lost nothing: the next has all.
func TestReadForks(t *testing.T) {
	s := session(t, trace.Options{MaxTasks: 7})
	h := start(t, "worker")
	if err := s.Follow(h.pid()); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan bool)
	go func() {
		defer close(done)
		h.do(t, "spawn", 307)
	}()
	var last *trace.Counts
	readings, busy := 0, 0
	for going := true; going; {
		select {
		case <-done:
			going = false
		default:
		}
		c, err := s.Read()
		if errors.Is(err, trace.ErrBusy) {
			busy++
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		balanced(t, c)
		grows(t, last, c)
		exactly(t, "tasks", uint64(len(c.Tasks))+c.OtherTasks,
			c.Started+c.Total.Forks+c.Total.Threads)
		exactly(t, "tasks that live", c.Ended,
			uint64(len(c.Tasks))+c.OtherTasks-c.Total.Exits)
		readings, last = readings+1, c
	}
	c, err := s.Stop()
	if err != nil {
		t.Fatal(err)
	}
	sound(t, c)
	grows(t, last, c)
	exactly(t, "forks", c.Total.Forks, 307)
	t.Logf("%d readings, %d times too busy", readings, busy)
}
