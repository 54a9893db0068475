package fork

import (
	"syscall"

	"switchyard"
	"switchyard/internal/sys"
)

func init() {
	switchyard.Register(switchyard.Model{
		Name:      "fork/reuseport",
		Doc:       "processes forked in advance, each with a listener of its own (SO_REUSEPORT)",
		Syscalls:  []string{"accept4", "clone", "read", "sendto", "close", "waitid", "wait4"},
		Probes:    probes,
		Isolated:  true,
		Pool:      true,
		ReusePort: true,
		Available: have,
		New: func(opts switchyard.Options) (switchyard.Server, error) {
			// The parent keeps all listeners open: what waits in the queue of a worker that dies
			// waits for the next one.
			c := sys.ListenConfig{ReusePort: true}
			return newPool(opts, opts.PoolWorkers(), c, func(s *server, i int) syscall.Errno {
				s.template.fd = s.listeners[i]
				return s.make(i, (*worker).prefork)
			})
		},
	})
}
