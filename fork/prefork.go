package fork

import (
	"syscall"

	"switchyard"
	"switchyard/internal/sys"
)

func init() {
	switchyard.Register(switchyard.Model{
		Name:      "fork/prefork",
		Doc:       "processes forked in advance, all blocked in accept on one listener",
		Syscalls:  []string{"accept4", "clone", "read", "sendto", "close", "waitid", "wait4"},
		Probes:    probes,
		Isolated:  true,
		Pool:      true,
		Available: have,
		New: func(opts switchyard.Options) (switchyard.Server, error) {
			return newPool(opts, 1, sys.ListenConfig{}, func(s *server, i int) syscall.Errno {
				return s.make(i, (*worker).prefork)
			})
		},
	})
}

// prefork forks a worker that accepts and serves, one connection after the
// other. The kernel wakes one of those that wait, the one that has waited
// longest.
//
//go:nosplit
//go:norace
func (w *worker) prefork() (int, syscall.Errno) {
	pid, e := sys.Fork()
	if pid == 0 && e == 0 {
		w.begin()
		for !w.over() {
			w.serve(w.accept())
		}
		sys.RawExit(0)
	}
	return pid, e
}
