// Package switchyard holds the nouns that every server design shares: what a
// model is, the server it makes, the options it takes, and the handler that
// all of them run, so that the only difference between two models is when, and
// on which task, that handler runs.
//
// The models themselves are in the packages fork, poll and threads; importing
// one registers its models. The tracer that watches them is in package trace
// and knows nothing of them.
package switchyard

// A Model is one design of a server that serves many clients at once. It is
// one file of package fork, poll or threads that registers itself.
type Model struct {
	// Name is the family and the design, as in "poll/epoll".
	Name string
	// Doc says in one line what the design is.
	Doc string
	// Syscalls are the kernel's names of the system calls the design is built
	// on, the characteristic one first.
	Syscalls []string
	// Probes are the names of the trace probes the design is read with.
	Probes []string
	// Isolated is set when connections are served in processes of their own:
	// one that crashes takes only its own connections with it. A server of any
	// other model dies whole.
	Isolated bool
	// Capacity is how many connections a server with these options serves at
	// the same moment; others wait in the accept queue. nil means as many as
	// Options.MaxConns.
	Capacity func(Options) int
	// Workers is how many workers a server with these options makes in advance.
	// nil means none: it is a single loop, or makes a task for each connection.
	Workers func(Options) int
	// Have is nil when the model can run here, and otherwise an error that
	// wraps errors.ErrUnsupported and says why. A nil Have is always able.
	Have func() error
	// Program names the program that a server starts for each connection, and
	// says in parentheses what is unusual about that. nil means that it starts
	// none.
	Program func() string
	// New binds a server to its address. It listens from then on (the kernel
	// queues connections) and serves when Serve is called. Of a model that
	// cannot run here Register makes it fail with the reason.
	New func(Options) (Server, error)
}

// Available is nil when the model can run on this machine; otherwise an error
// that wraps errors.ErrUnsupported and says why.
func (m Model) Available() error {
	if m.Have == nil {
		return nil
	}
	return m.Have()
}

// Serves is how many connections a server of this model with these options
// serves at the same moment.
func (m Model) Serves(o Options) int {
	if m.Capacity == nil {
		return o.WithDefaults().MaxConns
	}
	return m.Capacity(o)
}

// Makes is how many workers a server of this model with these options makes in
// advance.
func (m Model) Makes(o Options) int {
	if m.Workers == nil {
		return 0
	}
	return m.Workers(o)
}
