package threads

import (
	"switchyard"
	"switchyard/internal/proc"
	"switchyard/internal/sys"
)

// UNIX Network Programming, chapter 30, design 6.
func init() {
	switchyard.Register(switchyard.Model{
		Name:     "threads/per-conn",
		Doc:      "one locked thread for each client, made when it connects",
		Syscalls: []string{"clone", "accept4", "read", "write"},
		Probes:   []string{"sched", "task", "syscall"},
		New: func(opts switchyard.Options) (switchyard.Server, error) {
			s, err := listen(opts)
			if err != nil {
				return nil, err
			}
			s.start = func() error { return s.startPerConn(&taskBudget{look: proc.TaskRoom}) }
			return s, nil
		},
	})
}

// startPerConn makes the thread that accepts; it makes a thread for each connection while there is
// room for tasks.
func (s *server) startPerConn(budget *taskBudget) error {
	if err := proc.RoomForTasks(1); err != nil {
		return err
	}
	sys.RaiseMaxThreads(s.opts.MaxConns)
	s.accepters = 1
	s.threads.thread("sy-accept", func(int) {
		s.acceptEach(s.opts.MaxConns, budget.spend, func(c *conn) {
			s.counts.Threads.Add(1)
			s.threads.thread("sy-conn", func(tid int) {
				c.tid = tid
				s.serve(c)
				s.done(c)
				s.conns.put(c)
			})
		})
	})
	return nil
}
