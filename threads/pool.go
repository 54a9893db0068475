package threads

import "switchyard"

// The kernel keeps the workers in a queue and wakes one for each connection.
func init() {
	switchyard.Register(switchyard.Model{
		Name:     "threads/pool",
		Doc:      "locked threads made in advance, all blocked in accept on one listener",
		Syscalls: []string{"accept4", "read", "write"},
		Probes:   []string{"sched", "task", "syscall"},
		Pool:     true,
		New: func(opts switchyard.Options) (switchyard.Server, error) {
			s, err := listen(opts)
			if err != nil {
				return nil, err
			}
			s.start = func() error { return s.startPool(opts.PoolWorkers(), s.accept) }
			return s, nil
		},
	})
}
