package fork

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/sys"
)

// connections runs a design with a child for each connection: accept, fork, close the parent's
// copy. spawn forks the child of a slot, which finds the connection in worker.fd.
func (s *server) connections(spawn func(slot int) syscall.Errno) error {
	free := make([]int, 0, s.slots)
	for i := range s.slots {
		free = append(free, s.slots-1-i)
	}
	refill := func() bool {
		for _, c := range s.takeDead() {
			free = append(free, c.slot)
		}
		return len(free) > 0 || s.finished()
	}
	close(s.ready)
	for !s.finished() {
		if len(free) == 0 && !refill() {
			s.pause(refill)
			continue
		}
		fd, e := sys.Accept(s.listeners[0])
		switch {
		case e == 0:
		case sys.AcceptMeans(e) == sys.AcceptPause:
			s.pause(nil)
			continue
		case s.stopping.Load():
			continue
		default:
			return s.acceptFailed(e)
		}
		s.counters.Accepted.Add(1)
		slot := free[len(free)-1]
		free = free[:len(free)-1]
		s.memory.slots[slot].open.Store(1)
		s.template.fd = fd
		for e = spawn(slot); isShortage(e) && !s.killing.Load(); e = spawn(slot) {
			s.pause(nil) // the connection is kept
		}
		unix.Close(fd)
		if e != 0 {
			s.counters.Closed.Add(1)
			if isShortage(e) {
				return nil
			}
			return fmt.Errorf("fork: %w", os.NewSyscallError("clone", e))
		}
	}
	return nil
}

// newConnections makes a server with a child for each connection.
func newConnections(opts switchyard.Options,
	spawn func(s *server, slot int) syscall.Errno) (*server, error) {
	d := design{
		thread: "sy-accept",
		slots:  opts.MaxConns,
		run: func(s *server) error {
			return s.connections(func(slot int) syscall.Errno { return spawn(s, slot) })
		},
	}
	return listen(d, opts, 1, sys.ListenConfig{})
}
