package fork

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/testenv"
)

// busy lists the slots of workers that have a connection.
func (r *running) busy() (list []int) {
	for i := range r.inside().memory.slots {
		if r.inside().memory.slots[i].open.Load() != 0 {
			list = append(list, i)
		}
	}
	return list
}

// TestWorkersAreReplaced kills each worker, idle and with a connection.
func TestWorkersAreReplaced(t *testing.T) {
	for _, model := range pools {
		t.Run(model[len("fork/"):], func(t *testing.T) {
			testenv.Check(t)
			r := serve(t, model, switchyard.Options{Workers: 3})
			for _, pid := range r.pids() {
				unix.Kill(pid, unix.SIGKILL)
			}
			testenv.Eventually(t, "three are replaced", func() bool {
				return r.counters.Respawned.Load() == 3
			})
			c := r.dial()
			c.get("/", "one")
			testenv.Eventually(t, "one has the connection", func() bool {
				return len(r.busy()) == 1
			})
			unix.Kill(r.pids()[r.busy()[0]], unix.SIGKILL)
			if _, err := c.receive(); err == nil {
				t.Error("the connection outlived its worker")
			}
			testenv.Eventually(t, "it is replaced", func() bool {
				return r.counters.Respawned.Load() == 4
			})
			if n := r.counters.Closed.Load(); n != 1 {
				t.Errorf("%d connections closed, want 1", n)
			}
			if n := r.counters.Requests.Load(); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
			r.dial().get("/", "one")
			if err := r.Drain(); err != nil {
				t.Error(err)
			}
			if n := r.counters.Crashed.Load(); n != 4 {
				t.Errorf("%d crashed, want 4", n)
			}
			if a := r.counters.Active(); a != 0 {
				t.Errorf("%d active", a)
			}
		})
	}
}

// TestInterruptNeedsADrain checks that a stray InterruptSignal does nothing.
func TestInterruptNeedsADrain(t *testing.T) {
	each(t, func(t *testing.T, model string) {
		r := serve(t, model, switchyard.Options{Workers: 2})
		c := r.open()
		c.get("/", "one")
		interrupt := func() {
			for range 10 {
				testenv.Eventually(t, "all sleep", r.asleep)
				s := r.inside()
				s.children.interrupt(s.memory.slots)
			}
		}
		c.send("/sleep?ms=50")
		interrupt() // in a request
		if body, err := c.receive(); err != nil || body != "slept\n" {
			t.Errorf("%q, %v", body, err)
		}
		interrupt() // between two
		c.get("/", "one")
		if n := r.counters.Crashed.Load(); n != 0 {
			t.Errorf("%d crashed", n)
		}
	})
}

// waitingIn returns, for the two designs with a lock, the worker that accepts and the others, once
// all wait.
func waitingIn(t *testing.T, r *running, lock uintptr) (owner int, others []int) {
	t.Helper()
	testenv.Eventually(t, "one worker accepts and the others wait for the lock", func() bool {
		owner, others = 0, nil
		owners := 0
		for _, pid := range r.pids() {
			switch {
			case testenv.In(pid, unix.SYS_ACCEPT4):
				owner = pid
				owners++
			case testenv.In(pid, lock):
				others = append(others, pid)
			}
		}
		return owners == 1 && len(others) == r.inside().slots-1
	})
	return owner, others
}

// lockOutlives kills the worker that holds the lock.
func lockOutlives(t *testing.T, model string, lock uintptr) {
	testenv.Check(t)
	r := serve(t, model, switchyard.Options{Workers: 3})
	for i := range 4 {
		owner, _ := waitingIn(t, r, lock)
		unix.Kill(owner, unix.SIGKILL)
		testenv.Eventually(t, "the owner is replaced", func() bool {
			return r.counters.Respawned.Load() == uint64(i+1)
		})
		c := r.dial()
		c.get("/", "one")
		c.Close()
	}
	// Only the one with the lock takes a connection; then it is another's.
	owner, _ := waitingIn(t, r, lock)
	c := r.dial()
	c.get("/", "one")
	if busy := r.busy(); len(busy) != 1 || r.pids()[busy[0]] != owner {
		t.Errorf("slots %v serve, want process %d", busy, owner)
	}
	testenv.Eventually(t, "another accepts", func() bool {
		for _, pid := range r.pids() {
			if pid != owner && testenv.In(pid, unix.SYS_ACCEPT4) {
				return true
			}
		}
		return false
	})
	if err := r.Drain(); err != nil {
		t.Error(err)
	}
}

func TestFlockOutlivesItsOwner(t *testing.T) {
	lockOutlives(t, "fork/prefork-flock", unix.SYS_FLOCK)
}

func TestFutexOutlivesItsOwner(t *testing.T) {
	lockOutlives(t, "fork/prefork-futex", unix.SYS_FUTEX)
}

func TestFutexReleaseKnowsTheOwner(t *testing.T) {
	for _, test := range []struct {
		word, want uint32
		pid        int
	}{{0, 0, 7}, {7, 0, 7}, {7 | futexWaiters, 0, 7}, {8, 8, 7},
		{8 | futexWaiters, 8 | futexWaiters, 7}} {
		word := test.word
		futexRelease(&word, test.pid)
		if word != test.want {
			t.Errorf("%#x after the death of %d: %#x, want %#x", test.word, test.pid, word,
				test.want)
		}
	}
}

// TestPreforkAllAccept has every worker block in accept on one listener.
func TestPreforkAllAccept(t *testing.T) {
	testenv.Check(t)
	r := serve(t, "fork/prefork", switchyard.Options{Workers: 3})
	testenv.Eventually(t, "all accept", func() bool {
		n := 0
		for _, pid := range r.pids() {
			if testenv.In(pid, unix.SYS_ACCEPT4) {
				n++
			}
		}
		return n == 3
	})
	if n := len(r.inside().listeners); n != 1 {
		t.Errorf("%d listeners", n)
	}
}

// TestReuseportSpreads has connections spread over workers by the kernel, each of which has a
// listener of its own.
func TestReuseportSpreads(t *testing.T) {
	testenv.Check(t)
	r := serve(t, "fork/reuseport", switchyard.Options{Workers: 3})
	if n := len(r.inside().listeners); n != 3 {
		t.Errorf("%d listeners, want 3", n)
	}
	seen := map[int]bool{}
	testenv.Eventually(t, "every worker has served", func() bool {
		c := r.dial()
		defer c.Close()
		c.get("/", "one")
		for _, i := range r.busy() {
			seen[i] = true
		}
		return len(seen) == 3
	})
}

// TestReuseportQueueOutlivesItsWorker kills all workers while a connection waits in a queue.
func TestReuseportQueueOutlivesItsWorker(t *testing.T) {
	testenv.Check(t)
	r := serve(t, "fork/reuseport", switchyard.Options{Workers: 1})
	a := r.dial()
	a.get("/", "one")
	b := r.dial()
	b.send("/")
	unix.Kill(r.pids()[0], unix.SIGKILL)
	if body, err := b.receive(); err != nil {
		t.Errorf("%q, %v", body, err)
	}
}

// TestFDPassTakesTheFirst checks that the first free worker gets each connection, and that
// connections wait while none is free.
func TestFDPassTakesTheFirst(t *testing.T) {
	testenv.Check(t)
	r := serve(t, "fork/fd-pass", switchyard.Options{Workers: 3})
	first := r.pids()[0]
	var open []*client
	for i := range 3 {
		c := r.dial()
		c.get("/", "one")
		open = append(open, c)
		if busy := r.busy(); len(busy) != i+1 || busy[i] != i {
			t.Errorf("workers %v serve %d connections", busy, i+1)
		}
	}
	waiting := r.dial()
	waiting.send("/")
	waiting.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := waiting.r.Peek(1); err == nil {
		t.Error("served by nobody")
	}
	if n := r.counters.Accepted.Load(); n != 3 {
		t.Errorf("%d accepted, want 3: the fourth waits in the queue", n)
	}
	waiting.SetReadDeadline(time.Now().Add(20 * time.Second))
	open[1].Close()
	if _, err := waiting.receive(); err != nil {
		t.Error(err)
	}
	if busy := r.busy(); len(busy) != 3 {
		t.Errorf("workers %v serve", busy)
	}
	for _, c := range append(open, waiting) {
		c.Close()
	}
	testenv.Eventually(t, "all are free", func() bool { return len(r.busy()) == 0 })
	before := r.counters.Accepted.Load()
	for range 10 {
		c := r.dial()
		c.get("/", "one")
		c.Close()
		testenv.Eventually(t, "it is free again", func() bool {
			return len(r.busy()) == 0 && testenv.In(first, unix.SYS_RECVMSG)
		})
	}
	if n := r.counters.Accepted.Load() - before; n != 10 {
		t.Errorf("%d accepted", n)
	}
}

// TestFDPassKeepsAConnection hands a connection to a worker that is dead.
func TestFDPassKeepsAConnection(t *testing.T) {
	testenv.Check(t)
	r := serve(t, "fork/fd-pass", switchyard.Options{Workers: 2})
	for range 6 {
		unix.Kill(r.pids()[0], unix.SIGKILL)
		c := r.dial()
		c.send("/")
		// If the worker took it and died of the signal then, it is lost; what matters is that the
		// server knows, and goes on.
		c.receive()
		c.Close()
		testenv.Eventually(t, "two workers", func() bool { return len(r.pids()) == 2 })
	}
	r.dial().get("/", "one")
	if err := r.Drain(); err != nil {
		t.Error(err)
	}
	if a := r.counters.Active(); a != 0 {
		t.Errorf("%d active", a)
	}
}
