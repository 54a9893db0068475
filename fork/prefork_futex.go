package fork

import (
	"syscall"

	"switchyard"
	"switchyard/internal/sys"
)

func init() {
	switchyard.Register(switchyard.Model{
		Name:      "fork/prefork-futex",
		Doc:       "processes forked in advance that take turns at accept, behind a futex in shared memory",
		Syscalls:  []string{"futex", "accept4", "clone", "read", "sendto", "close", "waitid", "wait4"},
		Probes:    probes,
		Isolated:  true,
		Pool:      true,
		Available: have,
		New: func(opts switchyard.Options) (switchyard.Server, error) {
			return newPool(opts, 1, sys.ListenConfig{}, func(s *server, i int) syscall.Errno {
				return s.make(i, (*worker).preforkFutex)
			})
		},
	})
}

// preforkFutex forks a worker that accepts with the lock held and serves
// without it.
//
//go:nosplit
//go:norace
func (w *worker) preforkFutex() (int, syscall.Errno) {
	pid, e := sys.Fork()
	if pid == 0 && e == 0 {
		w.begin()
		me := uint32(sys.RawGettid())
		for !w.over() && w.futexLock(me) {
			fd := w.accept()
			futexUnlock(&w.board.lock)
			w.serve(fd)
		}
		sys.RawExit(0)
	}
	return pid, e
}
