package fork

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/sys"
)

// server is what the seven designs have in common: how they start and end. A design gives it the
// functions below; all of them are called on the thread that forks.
type server struct {
	design
	opts      switchyard.Options
	addr      netip.AddrPort
	listeners []int

	mu      sync.Mutex
	state   state
	served  bool          // Ready has returned
	closing chan struct{} // closed by Close
	ended   chan struct{} // closed when Serve has returned

	// From here on, set up by Serve.
	memory    region // shared with the children
	buffers   []byte // the children's, mapped private
	template  worker // what the next child will be
	children  children
	counters  *switchyard.Counters
	freeOwn   func() error  // gives back counters of our own
	events    doorbell      // wakes the thread that forks
	listening atomic.Bool   // the thread that forks wants to hear of children that end
	stopping  atomic.Bool   // no more connections are taken than wait by now
	before    atomic.Uint64 // how many had been accepted when stopping was set,
	waiting   atomic.Uint64 // and how many at most are taken after
	killing   atomic.Bool   // set before our own SIGKILLs, so that they are not counted as crashes
	failure   atomic.Uint32 // the error for which a worker could accept no more
	gone      chan struct{} // a child has gone
	ready     chan struct{} // closed when connections are served
	// children that ended, not yet taken note of by the thread that forks; under children.mu
	dead   []child
	paused bool // of the thread that forks: accepting is paused
}

// design is what sets one design apart.
type design struct {
	// thread names the thread that forks.
	thread string
	// slots is how many children there can be.
	slots int
	// accepters is how many of them accept by themselves; 0 is the thread that forks alone.
	accepters int
	// start makes what the design needs besides, and stop, if start was called, takes it away
	// again. Either may be nil.
	start func(s *server) error
	stop  func(s *server)
	// run makes children until the server stops. It closes s.ready when connections are served. An
	// error ends the server.
	run func(s *server) error
}

// state is how far a server has come.
type state uint8

const (
	bound state = iota
	serving
	over
)

// listen makes a server and its listeners.
func listen(d design, opts switchyard.Options, n int, c sys.ListenConfig) (*server, error) {
	s := &server{design: d, opts: opts, closing: make(chan struct{}), ended: make(chan struct{})}
	at := opts.Listen
	for range n {
		fd, addr, err := sys.Listen(at, c)
		if err != nil {
			s.closeListeners()
			return nil, err
		}
		s.listeners = append(s.listeners, fd)
		s.addr = addr
		at = addr.String() // port 0 picks one for the first; the others share it
	}
	return s, nil
}

func (s *server) closeListeners() {
	for _, fd := range s.listeners {
		unix.Close(fd)
	}
	s.listeners = nil
}

// Addr implements switchyard.Server.
func (s *server) Addr() netip.AddrPort { return s.addr }

// Serve implements switchyard.Server.
func (s *server) Serve(ctx context.Context) error {
	s.mu.Lock()
	switch s.state {
	case serving:
		s.mu.Unlock()
		return switchyard.ErrServing
	case over:
		s.mu.Unlock()
		return switchyard.ErrServerClosed
	}
	s.state = serving
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.closeListeners()
		s.state = over
		s.mu.Unlock()
		close(s.ended)
	}()
	if err := s.setUp(); err != nil {
		return err
	}
	defer s.tearDown()

	var failure error
	ran, end := make(chan struct{}), make(chan struct{})
	reaper := sys.Thread("sy-reap", s.children.reap)
	maker := sys.Thread(s.thread, func() {
		if failure = s.run(s); failure != nil {
			s.killing.Store(true)
		}
		close(ran)
		// Children die with the thread that made them: it outlives them.
		<-end
	})

	grace := s.opts.Grace
	var cause error
	ready := s.ready
wait:
	for {
		select {
		case <-ready:
			ready = nil
			if s.opts.Ready != nil {
				s.opts.Ready(s.addr)
			}
			s.mu.Lock()
			s.served = true
			s.mu.Unlock()
		case <-ctx.Done():
			break wait
		case <-s.closing:
			break wait
		case <-ran:
			break wait
		}
	}
	// Whoever accepts may have one that is not counted yet.
	waiting := max(s.accepters, 1)
	for _, fd := range s.listeners {
		waiting += sys.Queued(fd)
	}
	s.before.Store(s.counters.Accepted.Load())
	s.waiting.Store(uint64(waiting))
	s.memory.board.draining.Store(drains)
	s.stopping.Store(true)
	if s.end(ran, grace) {
		cause = switchyard.ErrServerClosed
	}
	if failure != nil {
		cause = failure
	}
	s.children.stop()
	<-reaper
	close(end)
	<-maker
	return cause
}

// Close implements switchyard.Server.
func (s *server) Close() error {
	s.mu.Lock()
	select {
	case <-s.closing:
	default:
		close(s.closing)
	}
	s.stopping.Store(true)
	switch s.state {
	case bound:
		s.state = over
		s.closeListeners()
		close(s.ended)
	case serving:
		// The address is given up now, even if this is a call from Ready, which cannot wait for
		// Serve.
		for _, fd := range s.listeners {
			unix.Shutdown(fd, unix.SHUT_RDWR)
		}
	}
	wait := s.state == over || s.served || s.opts.Ready == nil
	s.mu.Unlock()
	if wait {
		<-s.ended
	}
	return nil
}

// make forks the child of a slot with f, a nosplit function that returns in the parent and does not
// return in the child.
func (s *server) make(slot int, f func(*worker) (int, syscall.Errno)) syscall.Errno {
	s.template.slot = &s.memory.slots[slot]
	s.template.slot.interrupt.Store(0)
	s.template.slot.failure.Store(0)
	e := s.children.make(slot, func() (int, syscall.Errno) { return f(&s.template) })
	if e == 0 {
		s.counters.Forks.Add(1)
		s.paused = false
	}
	return e
}

// died takes note of a child that ended: what it could not count itself, and the lock it may have
// held. The reaper calls it.
func (s *server) died(pid int, c child, status unix.WaitStatus) {
	if status.Signaled() && !(s.killing.Load() && status.Signal() == unix.SIGKILL) {
		s.counters.Crashed.Add(1)
	}
	slot := &s.memory.slots[c.slot]
	s.counters.Requests.Add(atomic.SwapUint64(&slot.requests, 0))
	if slot.open.Swap(0) != 0 {
		s.counters.Closed.Add(1)
	}
	if e := slot.failure.Load(); e != 0 && !s.stopping.Load() {
		s.failure.CompareAndSwap(0, e)
	}
	futexRelease(&s.memory.board.lock, pid)
	s.dead = append(s.dead, c)
	if s.listening.Load() {
		s.events.ring()
	}
	select {
	case s.gone <- struct{}{}:
	default:
	}
}

// takeDead hands over the children that ended since it was last called.
func (s *server) takeDead() []child {
	s.children.mu.Lock()
	defer s.children.mu.Unlock()
	list := s.dead
	s.dead = nil
	return list
}
