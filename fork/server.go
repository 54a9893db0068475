package fork

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

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

// finished reports whether no connection is to be accepted any more.
func (s *server) finished() bool {
	return s.stopping.Load() && (s.killing.Load() || s.unlisten())
}

// unlisten ends the listening on each listener for which no connection waits, or on all once those
// that did are taken, and reports whether that is all of them.
func (s *server) unlisten() bool {
	enough := s.killing.Load() || s.counters.Accepted.Load()-s.before.Load() >= s.waiting.Load()
	all := true
	for _, fd := range s.listeners {
		if enough || sys.Queued(fd) == 0 {
			unix.Shutdown(fd, unix.SHUT_RDWR)
		} else {
			all = false
		}
	}
	if all {
		s.memory.board.draining.Store(unlistens)
	}
	return all
}

// end waits for the thread that makes children, which has ended when ran is closed, and for the
// children to end, for so long, and then kills them. It reports whether Close was called.
func (s *server) end(ran <-chan struct{}, grace time.Duration) (closed bool) {
	cut := time.NewTimer(grace)
	defer cut.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	closing := s.closing
	for {
		select {
		case <-closing:
			closing, closed = nil, true
			s.killing.Store(true)
		default:
		}
		s.unlisten()
		select {
		case <-ran:
			if s.children.count.Load() == 0 {
				return closed
			}
		default:
			s.events.ring() // it may wait for something else
		}
		if s.killing.Load() {
			s.children.kill()
		} else {
			// Again and again: a child may look at the flag, take the signal, and only then block.
			s.children.interrupt(s.memory.slots)
		}
		select {
		case <-closing:
		case <-cut.C:
			s.killing.Store(true)
		case <-tick.C:
		case <-s.gone:
		}
	}
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

// setUp makes all that Serve needs before its threads.
func (s *server) setUp() (err error) {
	s.gone, s.ready = make(chan struct{}, 1), make(chan struct{})
	s.children = children{known: map[int]child{}, died: s.died, bell: -1}
	s.events = -1
	defer func() {
		if err != nil {
			s.tearDown()
		}
	}()
	s.counters = s.opts.Counters
	if s.counters == nil {
		if s.counters, s.freeOwn, err = switchyard.NewCounters(); err != nil {
			return err
		}
	}
	if s.buffers, err = sys.MapPrivate(switchyard.InSize + switchyard.OutSize +
		sys.Size[switchyard.Conn]()); err != nil {
		return err
	}
	if s.children.bell, err = newDoorbell(); err != nil {
		return err
	}
	if s.events, err = newDoorbell(); err != nil {
		return err
	}
	if s.start != nil {
		if err = s.start(s); err != nil {
			return err
		}
	}
	if s.memory.memory == nil {
		memory, err := sys.MapShared(regionSize(s.slots))
		if err != nil {
			return err
		}
		s.memory = newRegion(memory, s.slots)
	}
	h := s.opts.Handler()
	b := s.memory.board
	b.magic, b.protocol, b.spins, b.parent = boardMagic, uint32(h.Protocol), h.SpinsPerMilli,
		int32(os.Getpid())
	s.template = worker{
		handler: h,
		in:      s.buffers[:switchyard.InSize],
		out:     s.buffers[switchyard.InSize:][:switchyard.OutSize],
		conn:    sys.View[switchyard.Conn](s.buffers, switchyard.InSize+switchyard.OutSize),
		board:   b, counters: s.counters, parent: os.Getpid(), fd: s.listeners[0], lock: -1,
		most: s.opts.MaxConns,
	}
	return nil
}

// tearDown gives back all that setUp made, or as much as it had made.
func (s *server) tearDown() {
	if s.stop != nil {
		s.stop(s)
	}
	for _, d := range []doorbell{s.children.bell, s.events} {
		if d >= 0 {
			d.close()
		}
	}
	for _, p := range [][]byte{s.memory.memory, s.buffers} {
		if p != nil {
			sys.Unmap(p)
		}
	}
	s.memory, s.buffers, s.template = region{}, nil, worker{}
	if s.freeOwn != nil {
		s.freeOwn()
	}
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

// acceptFailed ends the server for an error of accept4(2).
func (s *server) acceptFailed(e syscall.Errno) error {
	return fmt.Errorf("accept on %s: %w", s.addr, os.NewSyscallError("accept4", e))
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

// pause keeps the thread that forks from accepting until a child ends or switchyard.Pause has
// passed. done, if not nil, is asked once the end of a child would be heard, and says whether there
// is any need to wait.
func (s *server) pause(done func() bool) {
	s.notePause()
	defer s.listening.Store(s.listening.Swap(true))
	if done == nil || !done() {
		s.events.wait(switchyard.Pause)
	}
}

// notePause counts a pause, once until a child has been made again.
func (s *server) notePause() {
	if !s.paused {
		s.counters.Paused.Add(1)
		s.paused = true
	}
}
