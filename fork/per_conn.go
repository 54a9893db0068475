package fork

import (
	"syscall"

	"switchyard"
	"switchyard/internal/sys"
)

func init() {
	switchyard.Register(switchyard.Model{
		Name:      "fork/per-conn",
		Doc:       "a process for each connection: accept, fork, no exec; the textbook concurrent server",
		Syscalls:  []string{"clone", "accept4", "read", "sendto", "exit_group", "wait4", "waitid", "close_range"},
		Probes:    probes,
		Isolated:  true,
		Available: have,
		New: func(opts switchyard.Options) (switchyard.Server, error) {
			return newConnections(opts, func(s *server, slot int) syscall.Errno {
				copy(s.template.name[:], "sy-conn")
				return s.make(slot, (*worker).perConn)
			})
		},
	})
}

// probes are what the designs with several processes are read with.
var probes = []string{"sched", "task", "syscall", "fault", "tlb"}

// perConn forks a child that serves one connection and ends.
//
//go:nosplit
//go:norace
func (w *worker) perConn() (int, syscall.Errno) {
	pid, e := sys.Fork()
	if pid == 0 && e == 0 {
		w.begin()
		w.serve(w.fd)
		sys.RawExit(0)
	}
	return pid, e
}
