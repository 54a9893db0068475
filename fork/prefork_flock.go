package fork

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/sys"
)

func init() {
	switchyard.Register(switchyard.Model{
		Name:      "fork/prefork-flock",
		Doc:       "processes forked in advance that take turns at accept, behind a file lock",
		Syscalls:  []string{"flock", "accept4", "clone", "read", "sendto", "close", "waitid", "wait4"},
		Probes:    probes,
		Isolated:  true,
		Pool:      true,
		Available: have,
		New:       newPreforkFlock,
	})
}

// newPreforkFlock makes the server. The lock is a file in memory. A lock of flock(2) belongs to an
// open file description, and a fork only duplicates descriptors, so each worker needs the file
// opened for itself. The parent must not keep that open: the lock of a worker that dies goes with
// the last descriptor.
func newPreforkFlock(opts switchyard.Options) (switchyard.Server, error) {
	file := -1
	s, err := newPool(opts, 1, sys.ListenConfig{}, func(s *server, i int) syscall.Errno {
		fd, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", file), unix.O_RDWR|unix.O_CLOEXEC, 0)
		if err != nil {
			return err.(syscall.Errno)
		}
		defer unix.Close(fd)
		s.template.lock = fd
		return s.make(i, (*worker).preforkFlock)
	})
	if err != nil {
		return nil, err
	}
	s.start = func(*server) (err error) {
		file, err = newFile("sy-accept-lock", 0)
		return err
	}
	s.stop = func(*server) {
		if file >= 0 {
			unix.Close(file)
		}
	}
	return s, nil
}

// preforkFlock forks a worker that accepts with the file locked and serves
// without.
//
//go:nosplit
//go:norace
func (w *worker) preforkFlock() (int, syscall.Errno) {
	pid, e := sys.Fork()
	if pid == 0 && e == 0 {
		w.begin()
		for !w.over() {
			switch e := sys.RawFlock(w.lock, unix.LOCK_EX); e {
			case 0:
				fd := w.accept()
				sys.RawFlock(w.lock, unix.LOCK_UN)
				w.serve(fd)
			case syscall.EINTR:
			default:
				sys.RawExit(exitBroken)
			}
		}
		sys.RawExit(0)
	}
	return pid, e
}
