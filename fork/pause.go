package fork

import (
	"fmt"
	"os"
	"syscall"

	"switchyard"
)

// acceptFailed ends the server for an error of accept4(2).
func (s *server) acceptFailed(e syscall.Errno) error {
	return fmt.Errorf("accept on %s: %w", s.addr, os.NewSyscallError("accept4", e))
}

// pause keeps the thread that forks from accepting until a child ends or switchyard.Pause has
// passed. done, if not nil, is asked once the end of a child would be heard, and says whether there
// is any need to wait.
func (s *server) pause(done func() bool) {
	s.notePause()
	defer s.listening.Store(s.listening.Swap(true))
	if done == nil || !done() {
		s.events.wait(switchyard.Pause)
	}
}

// notePause counts a pause, once until a child has been made again.
func (s *server) notePause() {
	if !s.paused {
		s.counters.Paused.Add(1)
		s.paused = true
	}
}
