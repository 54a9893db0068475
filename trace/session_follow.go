package trace

import (
	"fmt"
	"os"
	"slices"
	"syscall"

	"switchyard/internal/bpf"
)

// Follow adds a process and all its descendants, threads and processes, those that exist and those
// to come. The pid is that of a process in the caller's PID namespace. Descendants whose parent has
// ended are found only if they appear after Follow. The caller itself is left out unless its own
// pid is given.
//
// With a window open, the process is in it from now on. The error wraps syscall.ESRCH if there is
// no such process.
func (s *Session) Follow(pid int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("trace: follow: %w", os.ErrClosed)
	}
	if pid <= 0 {
		return fmt.Errorf("trace: follow process %d: %w", pid, syscall.ESRCH)
	}
	if err := s.follow(uint32(pid)); err != nil {
		return err
	}
	if !slices.Contains(s.pids, pid) {
		s.pids = append(s.pids, pid)
	}
	if s.running {
		s.throttle.add(pid)
	}
	return nil
}

// FollowAll adds every task of the caller's PID namespace and of those below it, but for the
// caller's own; in the first one those are all tasks on the machine, the kernel's own threads
// included. Children of all of them follow.
func (s *Session) FollowAll() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("trace: follow: %w", os.ErrClosed)
	}
	if err := s.follow(rootAll); err != nil {
		return err
	}
	s.everyone = true
	if s.running {
		s.throttle.addAll()
	}
	return nil
}

// rootAll is ROOT_ALL of trace/bpf/count.h.
const rootAll = 1<<32 - 1

func (s *Session) follow(root uint32) error {
	s.set("Root", root)
	s.set("Adopting", 1)
	for {
		w, err := s.walk(bpfWalkModeWALK_ADOPT)
		if err != nil {
			return bpf.Explain("follow", err)
		}
		s.lost += w.LostAlloc
		if w.Found > 0 {
			// children may have come meanwhile, and a child's number may be below its parent's
			continue
		}
		if w.Root == 0 && root != rootAll { // in a PID namespace the tracer may be alone
			return fmt.Errorf("trace: follow process %d: %w", root, syscall.ESRCH)
		}
		break
	}
	if s.running {
		n, err := s.open()
		s.opened += n
		return bpf.Explain("follow", err)
	}
	return nil
}

// Forget stops following everything, so that the session can serve for something else. An open
// window is given up.
func (s *Session) Forget() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("trace: forget: %w", os.ErrClosed)
	}
	s.set("Adopting", 0)
	s.set("Epoch", 0)
	s.running = false
	s.pids, s.everyone = nil, false
	for {
		w, err := s.walk(bpfWalkModeWALK_FORGET)
		if err != nil {
			return bpf.Explain("forget", err)
		}
		if w.Found == 0 {
			break
		}
	}
	waitForPrograms() // one of them may still be writing to a task that is free to be another's
	return bpf.Explain("forget", s.objs.clearTable())
}
