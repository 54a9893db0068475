package trace_test

import (
	"fmt"
	"testing"

	"switchyard/trace"
	"switchyard/trace/hist"
)

// sums fails unless what the tasks waited, those with a row of their own, adds up to what all of
// them did.
func sums(t *testing.T, c *trace.Counts) {
	t.Helper()
	var runQueue, wakeup hist.Histogram
	for i := range c.Tasks {
		if k := &c.Tasks[i]; k.RunQueueLatency != nil {
			runQueue.Merge(k.RunQueueLatency)
			wakeup.Merge(k.WakeupLatency)
		}
	}
	if !runQueue.Equal(&c.RunQueueLatency) || !wakeup.Equal(&c.WakeupLatency) {
		t.Errorf("all tasks: %v, %v; their sum: %v, %v", &c.RunQueueLatency, &c.WakeupLatency,
			&runQueue, &wakeup)
	}
}

// TestTaskLatencies: each task's latencies are its own, and are those of one window.
func TestTaskLatencies(t *testing.T) {
	s := session(t, trace.Options{})
	h := start(t, "ping", "1009")
	for range 2 {
		c := window(t, s, h.pid(), func() { h.do(t, "") })
		sums(t, c)
		for name, want := range map[string]uint64{"ping": 1010, "pong": 1009} {
			k := task(t, c, name)
			if k.RunQueueLatency == nil {
				t.Fatalf("%s has no latencies", name)
			}
			// What the kernel did not show is in no histogram.
			exactly(t, name+"'s waits", k.WakeupLatency.Count()+k.UnseenSwitches, want)
			// Asleep at both ends of the window, it waited in the middle of it only.
			if k.UnseenSwitches == 0 && k.RunQueueLatency.Sum() != k.RunQueue {
				t.Errorf("%s waited %v, in single latencies %v", name, k.RunQueue,
					k.RunQueueLatency.Sum())
			}
		}
	}
}

// TestTaskLatenciesRoom: of more tasks than there is room for, the first have latencies of their
// own, and all are in the sum.
func TestTaskLatenciesRoom(t *testing.T) {
	const pairs, rounds = 5, 101
	s := session(t, trace.Options{MaxTasks: 3})
	var all []*helper
	for range pairs {
		h := start(t, "ping", fmt.Sprint(rounds))
		if err := s.Follow(h.pid()); err != nil {
			t.Fatal(err)
		}
		all = append(all, h)
	}
	for range 2 {
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		for _, h := range all {
			h.do(t, "")
		}
		c, err := s.Stop()
		if err != nil {
			t.Fatal(err)
		}
		// The runtime has threads of its own in each.
		if n := c.WakeupLatency.Count() + c.Total.UnseenSwitches; n < pairs*(2*rounds+1) ||
			n > c.Total.Wakeups+c.Total.UnseenWakings {
			t.Errorf("%d waits of %d wake-ups, want at least %d", n, c.Total.Wakeups,
				pairs*(2*rounds+1))
		}
		own := 0
		for i := range c.Tasks {
			if k := &c.Tasks[i]; k.WakeupLatency != nil {
				own++
				// One wait at most is cut off by each end of the window.
				if n, all := k.WakeupLatency.Count()+k.UnseenSwitches, k.Wakeups+
					k.UnseenWakings; n > all+1 || all > n+1 {
					t.Errorf("%s's waits: %d, of %d wake-ups", k.Name, n, all)
				}
			}
		}
		exactly(t, "tasks with latencies of their own", uint64(own), 3)
	}
}

// TestTaskLatenciesNew: so do tasks that are made in the window, and that end in it.
func TestTaskLatenciesNew(t *testing.T) {
	s := session(t, trace.Options{})
	h := start(t, "worker")
	c := window(t, s, h.pid(), func() { h.do(t, "spawn", 23) })
	exactly(t, "forks", c.Total.Forks, 23)
	own := uint64(0)
	for i := range c.Tasks {
		if k := &c.Tasks[i]; k.RunQueueLatency != nil && k.Exits == 1 {
			own++
			if k.RunQueueLatency.Count()+k.UnseenSwitches == 0 {
				t.Errorf("%s ran and never waited for it", k.Name)
			}
		}
	}
	if c.Missing["new_task_latencies"] == "" {
		sums(t, c)
		if own < 23 {
			t.Errorf("%d tasks that ended have latencies of their own, want 23 at least", own)
		}
	} else {
		exactly(t, "new tasks with latencies of their own", own, 0)
	}
}

// TestTaskLatenciesOfRows: what is kept of single tasks is kept of those that have a row.
func TestTaskLatenciesOfRows(t *testing.T) {
	for _, rows := range []int{1, 8} {
		s := session(t, trace.Options{MaxTasks: rows})
		h := start(t, "worker")
		for range 2 {
			c := window(t, s, h.pid(), func() { h.do(t, "spawn", 23) })
			exactly(t, "rows", uint64(len(c.Tasks)), uint64(rows))
			for i := range c.Tasks {
				if k := &c.Tasks[i]; k.RunQueueLatency == nil &&
					c.Missing["new_task_latencies"] == "" {
					t.Errorf("%s has a row and no latencies", k.Name)
				}
			}
			if n := uint64(len(c.Tasks)) + c.OtherTasks; n != c.Started+c.Total.Forks+
				c.Total.Threads {
				t.Errorf("%d tasks in rows and beside them, of %d there were and %d made", n,
					c.Started, c.Total.Forks+c.Total.Threads)
			}
		}
	}
}

// TestTaskLatenciesFollow: a task that comes into an open window, and one that comes after a window
// was given up, have their own and nobody else's.
func TestTaskLatenciesFollow(t *testing.T) {
	s := session(t, trace.Options{})
	a, b := start(t, "ping", "101"), start(t, "ping", "1009")
	c := window(t, s, a.pid(), func() {
		a.do(t, "")
		if err := s.Follow(b.pid()); err != nil {
			t.Fatal(err)
		}
		b.do(t, "")
	})
	sums(t, c)
	if n := c.WakeupLatency.Count() + c.Total.UnseenSwitches; n < 2*101+2*1009+2 {
		t.Errorf("%d waits, want at least %d", n, 2*101+2*1009+2)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	b.do(t, "")
	if err := s.Forget(); err != nil {
		t.Fatal(err)
	}
	c = window(t, s, a.pid(), func() { a.do(t, "") })
	sums(t, c)
	k := task(t, c, "pong")
	exactly(t, "pong's waits", k.WakeupLatency.Count()+k.UnseenSwitches, 101)
}
