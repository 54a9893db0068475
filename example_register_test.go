package switchyard_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"switchyard"
)

// A design is one file. Its init function registers it, and from then on it is found by its name:
// by New, by every command of a program that imports it, and, in package fork, poll or threads, by
// the tests that every design must pass.
func init() {
	switchyard.Register(switchyard.Model{
		Name:     "example/iterative",
		Doc:      "one connection at a time, the others wait in the accept queue",
		Syscalls: []string{"accept4", "read", "write"},
		Probes:   []string{"sched", "task"},
		Capacity: func(switchyard.Options) int { return 1 },
		New:      newIterative,
	})
}

// iterative is a server of the design: it accepts a connection, serves it until it ends, and
// accepts the next.
type iterative struct {
	opts     switchyard.Options
	counts   *switchyard.Counters
	listener *net.TCPListener
	draining atomic.Bool

	mu      sync.Mutex
	closed  bool
	current *net.TCPConn // the one that is served
	busy    bool         // a request has begun on it
}

// newIterative is given options that are valid and have their defaults.
func newIterative(opts switchyard.Options) (switchyard.Server, error) {
	addr, err := netip.ParseAddrPort(opts.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: want an IP address and a port", opts.Listen)
	}
	listener, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(addr))
	if err != nil {
		return nil, err
	}
	return &iterative{opts: opts, counts: opts.Count(), listener: listener}, nil
}

func (s *iterative) Addr() netip.AddrPort {
	return s.listener.Addr().(*net.TCPAddr).AddrPort()
}

// Serve ends well when ctx is done. The request in progress has until the end of the grace.
func (s *iterative) Serve(ctx context.Context) error {
	if s.isClosed() {
		return switchyard.ErrServerClosed
	}
	if s.opts.Ready != nil {
		s.opts.Ready(s.Addr())
	}
	defer context.AfterFunc(ctx, s.drain)()
	defer s.listener.Close()
	var state switchyard.Conn
	in, out := make([]byte, switchyard.InSize), make([]byte, switchyard.OutSize)
	for {
		c, err := s.listener.AcceptTCP()
		switch {
		case s.isClosed():
			if err == nil {
				c.Close()
			}
			return switchyard.ErrServerClosed
		case err != nil && s.draining.Load():
			return nil
		case err != nil:
			return fmt.Errorf("accept on %s: %w", s.Addr(), err)
		}
		s.counts.Accepted.Add(1)
		s.note(c, false)
		state = switchyard.Conn{}
		s.talk(c, &state, in, out)
		s.counts.Requests.Add(state.Requests())
		s.note(nil, false)
		c.Close()
		s.counts.Closed.Add(1)
	}
}

// talk is all that a design does with the handler: it reads, calls Step, writes what Step put, and
// does what Step says.
func (s *iterative) talk(c *net.TCPConn, state *switchyard.Conn, in, out []byte) {
	handler := s.opts.Handler()
	for !s.draining.Load() || !state.Idle() {
		n, err := c.Read(in)
		if err != nil {
			return
		}
		s.note(c, true)
		for rest, again := in[:n], true; again; {
			took, put, do := handler.Step(state, rest, out)
			rest = rest[took:]
			if _, err := c.Write(out[:put]); err != nil {
				return
			}
			switch do {
			case switchyard.ActRead:
				again = false
			case switchyard.ActWrite: // again
			case switchyard.ActSleep:
				time.Sleep(time.Duration(state.SleepNanos())) // no state: the request asks for it
			case switchyard.ActCrash:
				panic("a bug in the handler")
			case switchyard.ActClose:
				return
			case switchyard.ActHalfClose:
				c.CloseWrite()
				c.SetReadDeadline(time.Now().Add(switchyard.Linger))
			}
		}
		s.note(c, !state.Idle())
	}
}

// note says which connection is served now, if any, and whether a request has begun on it.
func (s *iterative) note(c *net.TCPConn, busy bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current, s.busy = c, busy
}

func (s *iterative) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// drain takes no more connections. The one there is ends now if no request has begun on it, and is
// cut off after the grace otherwise.
func (s *iterative) drain() {
	s.draining.Store(true)
	s.listener.SetDeadline(time.Unix(1, 0))
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.current == nil:
	case s.busy:
		s.current.SetDeadline(time.Now().Add(s.opts.Grace))
	default:
		s.current.CloseRead() // what has arrived is still read
	}
}

func (s *iterative) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if s.current != nil {
		s.current.Close()
	}
	if err := s.listener.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil // Serve has closed it
}

// How to write a design and register it: the init function above is what makes this one known.
func ExampleRegister() {
	server, err := switchyard.New("example/iterative", switchyard.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx) }()

	url := "http://" + server.Addr().String()
	fmt.Println(get(url + "/"))
	fmt.Println(get(url + "/work?us=50"))
	stop()
	fmt.Println(<-ended)
	// Output:
	// 200 OK: one more served
	// 200 OK: worked
	// <nil>
}
