package threads

import "switchyard"

// UNIX Network Programming, chapter 30, design 7: one worker waits in accept, the others for the
// mutex. It was needed where only one thread may be in accept at a time; it also decides who is
// next, in place of the kernel.
func init() {
	switchyard.Register(switchyard.Model{
		Name:     "threads/pool-mutex",
		Doc:      "locked threads made in advance, a mutex around accept",
		Syscalls: []string{"futex", "accept4", "read", "write"},
		Probes:   []string{"sched", "task", "syscall"},
		Pool:     true,
		New: func(opts switchyard.Options) (switchyard.Server, error) {
			s, err := listen(opts)
			if err != nil {
				return nil, err
			}
			var turn mutex
			s.start = func() error {
				return s.startPool(opts.PoolWorkers(), func(c *conn) bool {
					turn.lock()
					defer turn.unlock()
					return s.accept(c)
				})
			}
			return s, nil
		},
	})
}
