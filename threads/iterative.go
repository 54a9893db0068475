package threads

import "switchyard"

// The baseline of UNIX Network Programming, chapter 30: no client is served before the one before
// it has gone.
func init() {
	switchyard.Register(switchyard.Model{
		Name:     "threads/iterative",
		Doc:      "one thread, one client at a time: the baseline",
		Syscalls: []string{"accept4", "read", "write"},
		Probes:   []string{"sched", "task", "syscall"},
		Capacity: func(switchyard.Options) int { return 1 },
		New: func(opts switchyard.Options) (switchyard.Server, error) {
			s, err := listen(opts)
			if err != nil {
				return nil, err
			}
			s.start = func() error { return s.startPool(1, s.accept) }
			return s, nil
		},
	})
}
