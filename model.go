// Package switchyard holds the nouns that every server design shares: what a model is, the server
// it makes, the options it takes, and the handler that all of them run, so that the only difference
// between two models is when, and on which task, that handler runs.
//
// The models themselves are in the packages fork, poll and threads; importing one registers its
// models. The example of Register writes one more. The tracer that watches them is in package trace
// and knows nothing of them.
package switchyard

// A Model is one design of a server that serves many clients at once. It is one file of package
// fork, poll or threads that registers itself. Lookup and Models return models in which every
// function is set.
type Model struct {
	// Name is the family and the design, as in "poll/epoll".
	Name string
	// Doc says in one line what the design is.
	Doc string
	// Syscalls are the kernel's names of the system calls the design is built on, the
	// characteristic one first.
	Syscalls []string
	// Probes are the names of the trace probes the design is read with.
	Probes []string
	// Isolated is set when connections are served in processes of their own: one that crashes takes
	// only its own connections with it. A server of any other model dies whole.
	Isolated bool
	// Pool is set when workers that are made in advance serve one connection each at a time: more
	// clients want more workers.
	Pool bool
	// ReusePort is set when each worker listens by itself (SO_REUSEPORT). The kernel deals
	// connections out by a hash of their addresses, so that some may wait for one worker while
	// another has none.
	ReusePort bool
	// Unnamed is set when the tasks that serve cannot be told by their names, because what runs on
	// which thread is not the design's choice.
	Unnamed bool
	// Capacity is how many connections a server with these options serves at the same moment;
	// others wait in the accept queue. nil in a model to be registered means one for each worker of
	// a pool, and as many as Options.MaxConns otherwise.
	Capacity func(Options) int
	// Workers is how many workers a server with these options makes in advance. nil in a model to
	// be registered means Options.PoolWorkers for a pool, and otherwise none: it is a single loop,
	// or makes a task for each connection.
	Workers func(Options) int
	// Available returns nil when the model can run on this machine, and otherwise an error that
	// wraps errors.ErrUnsupported and says why. nil in a model to be registered means always able.
	Available func() error
	// Program names the program that a server starts for each connection, and says in parentheses
	// what is unusual about that. nil means that it starts none.
	Program func() string
	// New binds a server to its address. It listens from then on (the kernel queues connections)
	// and serves when Serve is called. A design is given options that are valid and have their
	// defaults, and is not asked when it is not Available.
	New func(Options) (Server, error)
}

// complete sets the functions that a design has left to Register.
func (m Model) complete() Model {
	if m.Workers == nil {
		m.Workers = func(Options) int { return 0 }
		if m.Pool {
			m.Workers = Options.PoolWorkers
		}
	}
	if m.Capacity == nil {
		m.Capacity = Options.maxConns
		if m.Pool {
			m.Capacity = m.Workers
		}
	}
	if m.Available == nil {
		m.Available = func() error { return nil }
	}
	return m
}
