package threads

import (
	"switchyard"
	"switchyard/internal/proc"
	"switchyard/internal/sys"
)

// ringSize is how many connections wait at most between the thread that accepts and the workers;
// MAXNCLI in the book.
const ringSize = 32

// UNIX Network Programming, chapter 30, design 8: the main thread accepts and puts connections into
// an array that a mutex and a condition variable guard, and workers take them out. Here both are
// futexes. The book's main thread ends the program when the array is full; this one waits until a
// worker has taken something out, while the kernel queues connections.
func init() {
	switchyard.Register(switchyard.Model{
		Name:     "threads/hand-off",
		Doc:      "one thread accepts and hands connections to locked threads made in advance",
		Syscalls: []string{"futex", "accept4", "read", "write"},
		Probes:   []string{"sched", "task", "syscall"},
		Pool:     true,
		New: func(opts switchyard.Options) (switchyard.Server, error) {
			s, err := listen(opts)
			if err != nil {
				return nil, err
			}
			r := new(ring)
			s.start = func() error { return s.startHandOff(r, opts.PoolWorkers()) }
			return s, nil
		},
	})
}

// ring is the array between the thread that accepts and the workers.
type ring struct {
	mu       mutex
	some     cond // something was put in, or nothing more will be
	room     cond // something was taken out
	conns    [ringSize]*conn
	in, out  int // all that was ever put in and taken out
	finished bool
}

func (r *ring) put(c *conn) {
	r.mu.lock()
	for r.in-r.out == ringSize {
		r.room.wait(&r.mu)
	}
	r.conns[r.in%ringSize] = c
	r.in++
	r.some.signal()
	r.mu.unlock()
}

// take is the connection that has waited longest; nil when the ring is empty and nothing more will
// come. idle is called when it woke for nothing.
func (r *ring) take(idle func()) *conn {
	r.mu.lock()
	defer r.mu.unlock()
	for woken := false; r.in == r.out; woken = true {
		if r.finished {
			return nil
		}
		if woken {
			idle()
		}
		r.some.wait(&r.mu)
	}
	c := r.conns[r.out%ringSize]
	r.out++
	r.room.signal()
	return c
}

// finish says that nothing more will be put in.
func (r *ring) finish() {
	r.mu.lock()
	r.finished = true
	r.some.broadcast()
	r.mu.unlock()
}

func (s *server) startHandOff(r *ring, n int) error {
	if err := proc.RoomForTasks(n + 1); err != nil {
		return err
	}
	sys.RaiseMaxThreads(n)
	s.accepters = 1
	s.threads.thread("sy-accept", func(int) {
		s.acceptEach(n+ringSize, nil, r.put)
		r.finish()
	})
	idle := func() { s.counts.EmptyWake.Add(1) }
	for i := range n {
		s.counts.Threads.Add(1)
		s.threads.thread(workerName(i), func(tid int) {
			for c := r.take(idle); c != nil; c = r.take(idle) {
				c.tid = tid
				s.serve(c)
				s.done(c)
				s.conns.put(c)
			}
		})
	}
	return nil
}
