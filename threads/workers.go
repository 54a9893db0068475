package threads

import (
	"fmt"

	"switchyard/internal/proc"
	"switchyard/internal/sys"
)

// startPool makes n workers in advance, each of which serves one connection at a time. accept waits
// for the worker's next connection and makes it c; false ends the worker.
func (s *server) startPool(n int, accept func(c *conn) bool) error {
	if err := proc.RoomForTasks(n); err != nil {
		return err
	}
	sys.RaiseMaxThreads(n)
	s.accepters = n
	workers := make([]*conn, n)
	for i := range workers {
		c, err := s.conns.get(n - i)
		if err != nil {
			return err
		}
		workers[i] = c
	}
	for i, c := range workers {
		s.counts.Threads.Add(1)
		s.threads.thread(workerName(i), func(tid int) {
			c.tid = tid
			for accept(c) {
				s.serve(c)
				s.done(c)
			}
		})
	}
	return nil
}

// acceptEach is the thread that accepts for others: it gives every connection to serve, which owns
// it and its buffers from then on, until the server ends. atMost is how many may be open or waiting
// at once. Before each one it asks able, if there is one, and pauses while the answer is no.
func (s *server) acceptEach(atMost int, able func() bool, serve func(c *conn)) {
	for paused := false; !s.over.Load(); {
		if s.full() {
			s.gate.wait(s.full)
			continue
		}
		if able != nil && !able() {
			s.pause(&paused)
			continue
		}
		c, err := s.conns.get(atMost)
		if err != nil { // no memory to map
			s.pause(&paused)
			continue
		}
		if !s.accept(c) {
			s.conns.put(c)
			return
		}
		paused = false
		serve(c)
	}
}

func workerName(i int) string { return fmt.Sprintf("sy-work/%d", i) }
