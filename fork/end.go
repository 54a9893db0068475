package fork

import (
	"time"

	"golang.org/x/sys/unix"

	"switchyard/internal/sys"
)

// finished reports whether no connection is to be accepted any more.
func (s *server) finished() bool {
	return s.stopping.Load() && (s.killing.Load() || s.unlisten())
}

// unlisten ends the listening on each listener for which no connection waits, or on all once those
// that did are taken, and reports whether that is all of them.
func (s *server) unlisten() bool {
	enough := s.killing.Load() || s.counters.Accepted.Load()-s.before.Load() >= s.waiting.Load()
	all := true
	for _, fd := range s.listeners {
		if enough || sys.Queued(fd) == 0 {
			unix.Shutdown(fd, unix.SHUT_RDWR)
		} else {
			all = false
		}
	}
	if all {
		s.memory.board.draining.Store(unlistens)
	}
	return all
}

// end waits for the thread that makes children, which has ended when ran is closed, and for the
// children to end, for so long, and then kills them. It reports whether Close was called.
func (s *server) end(ran <-chan struct{}, grace time.Duration) (closed bool) {
	cut := time.NewTimer(grace)
	defer cut.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	closing := s.closing
	for {
		select {
		case <-closing:
			closing, closed = nil, true
			s.killing.Store(true)
		default:
		}
		s.unlisten()
		select {
		case <-ran:
			if s.children.count.Load() == 0 {
				return closed
			}
		default:
			s.events.ring() // it may wait for something else
		}
		if s.killing.Load() {
			s.children.kill()
		} else {
			// Again and again: a child may look at the flag, take the signal, and only then block.
			s.children.interrupt(s.memory.slots)
		}
		select {
		case <-closing:
		case <-cut.C:
			s.killing.Store(true)
		case <-tick.C:
		case <-s.gone:
		}
	}
}
