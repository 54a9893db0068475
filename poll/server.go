package poll

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/proc"
	"switchyard/internal/sys"
)

// A design is what a model's file tells the server about itself.
type design struct {
	name      string
	loops     func(switchyard.Options) int
	reusePort bool // a listener for each loop
	blocking  bool // leave the sockets without O_NONBLOCK: io_uring polls only then
	// fits is an error if the loop cannot wait for a descriptor with that number; nil means any.
	fits func(what string, fd int) error
	// runner makes a loop; nothing is opened yet.
	runner func(*base) runner
}

// maxLoops keeps well below the 10,000 threads at which the Go runtime ends the process.
const maxLoops = 4096

// A runner is one loop. Its methods are called on the loop's own thread.
type runner interface {
	// open makes what the loop waits with.
	open() error
	// run serves until the server stops and closes all connections.
	run() error
	// close closes what open made, which may be nothing or half of it.
	close()
}

// base is what every loop has.
type base struct {
	srv      *server
	listener *listener // nil once this loop accepts no more
	wake     int       // eventfd that interrupts the wait
	count    *switchyard.Counters
	handler  switchyard.Handler
	failure  error // ends the loop, and with it the server
	turns
}

// acceptFailed ends the loop for an error of accept4(2).
func (b *base) acceptFailed(e syscall.Errno) {
	b.failure = fmt.Errorf("accept on %s: %w", b.srv.addr, os.NewSyscallError("accept4", e))
}

// Stages of a server's life, in this order.
const (
	serving int32 = iota
	draining
	closed
)

// server is the Server of every design in this package.
type server struct {
	design design
	opts   switchyard.Options
	addr   netip.AddrPort
	epoch  time.Time
	active atomic.Int64 // connections served, of all loops
	stage  atomic.Int32
	// running is how many loops have not ended; the last releases.
	running atomic.Int32
	// cutoff is when a drain ends, by now; set before stage.
	cutoff atomic.Int64

	mu      sync.Mutex
	loops   []*base // the list itself never changes; mu guards wake in each
	started bool
	ended   bool          // Close was called, or Serve has returned
	gone    chan struct{} // closed when everything is released
}

// newServer binds a server of design d.
func newServer(d design, o switchyard.Options) (switchyard.Server, error) {
	s, err := bind(d, o)
	if err != nil {
		if s != nil {
			s.release()
		}
		return nil, err
	}
	return s, nil
}

// bind makes the server; what it returns beside an error is to be released.
func bind(d design, o switchyard.Options) (s *server, err error) {
	o.Counters = o.Count()
	s = &server{design: d, opts: o, epoch: time.Now(), gone: make(chan struct{})}
	loops := 1
	if d.loops != nil {
		loops = d.loops(o)
	}
	if loops > maxLoops {
		return nil, fmt.Errorf("%d workers: at most %d loops (more than one for each CPU gain nothing)",
			loops, maxLoops)
	}
	if err := proc.RoomForTasks(loops); err != nil {
		return nil, err
	}
	addr := o.Listen
	var ln *listener
	for range loops {
		if ln == nil || d.reusePort {
			users := loops
			if d.reusePort {
				users = 1
			}
			ln, s.addr, err = listen(addr,
				sys.ListenConfig{NonBlock: !d.blocking, ReusePort: d.reusePort}, users)
			if err != nil {
				return s, err
			}
			addr = s.addr.String() // the port that was picked
		}
		s.loops = append(s.loops, &base{srv: s, listener: ln, wake: -1, count: o.Counters,
			handler: o.Handler()})
	}
	for _, b := range s.loops {
		wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
		if err != nil {
			return s, os.NewSyscallError("eventfd", err)
		}
		b.wake = wake
		if d.fits != nil {
			if err := errors.Join(d.fits("listener", b.listener.fd),
				d.fits("eventfd", wake)); err != nil {
				return s, err
			}
		}
	}
	return s, nil
}

// Addr implements switchyard.Server.
func (s *server) Addr() netip.AddrPort { return s.addr }

// Serve implements switchyard.Server.
func (s *server) Serve(ctx context.Context) error {
	s.mu.Lock()
	switch {
	case s.ended:
		s.mu.Unlock()
		return switchyard.ErrServerClosed
	case s.started:
		s.mu.Unlock()
		return switchyard.ErrServing
	}
	s.started = true
	s.mu.Unlock()
	loops := s.loops
	s.running.Store(int32(len(loops)))

	opened := make(chan error, len(loops))
	results := make(chan error, len(loops))
	var threads []<-chan struct{}
	for i, b := range loops {
		if i > 0 { // a single loop has a processor to itself as it is
			sys.TakeProcessor()
		}
		threads = append(threads, sys.Thread(fmt.Sprintf("sy-loop/%d", i), func() {
			r := s.design.runner(b)
			err := r.open()
			opened <- err
			if err == nil {
				err = r.run()
			}
			r.close()
			b.stopAccepting()
			if err != nil {
				s.halt()
			}
			if s.running.Add(-1) == 0 {
				s.release()
				close(s.gone)
			}
			results <- err
		}))
	}
	s.opts.Counters.Threads.Add(uint64(len(loops)))
	var err error
	for range loops {
		err = errors.Join(err, <-opened)
	}
	drained := make(chan struct{})
	undo := context.AfterFunc(ctx, func() {
		s.drain()
		close(drained)
	})
	if err == nil && s.opts.Ready != nil {
		s.opts.Ready(s.addr)
	}
	err = nil
	for i := range loops {
		err = errors.Join(err, <-results)
		<-threads[i]
	}
	for range len(loops) - 1 {
		// Not as each ends: it stops the world, which waits for a loop that computes.
		sys.GiveProcessor()
	}
	if !undo() {
		<-drained
	}
	s.mu.Lock()
	was := s.ended
	s.ended = true
	s.mu.Unlock()
	switch {
	case err != nil:
		return err
	case was:
		return switchyard.ErrServerClosed
	}
	return nil
}

// Close implements switchyard.Server. It returns when the address is free.
func (s *server) Close() error {
	s.mu.Lock()
	first := !s.ended
	s.ended = true
	s.mu.Unlock()
	switch {
	case s.started:
		s.halt()
	case first:
		s.release()
		close(s.gone)
	}
	<-s.gone
	return nil
}

// drain has the loops finish what they have begun.
func (s *server) drain() {
	s.cutoff.Store(s.now() + int64(s.opts.Grace))
	if s.stage.CompareAndSwap(serving, draining) {
		s.interrupt()
	}
}

// halt has the loops cut everything off.
func (s *server) halt() {
	if s.stage.Swap(closed) != closed {
		s.interrupt()
	}
}

// interrupt wakes every loop.
func (s *server) interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := [8]byte{7: 1} // of either byte order: any value but zero wakes
	for _, b := range s.loops {
		if b.wake >= 0 {
			sys.RawWrite(b.wake, one[:])
		}
	}
}

// release closes what newServer opened and the loops have not closed. No loop runs any more, or
// yet.
func (s *server) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.loops {
		b.stopAccepting()
		if b.wake >= 0 {
			sys.RawClose(b.wake)
			b.wake = -1
		}
	}
}

// now is the time since the server was made, in nanoseconds, monotonic.
func (s *server) now() int64 { return int64(time.Since(s.epoch)) }

// reserve takes the right to serve one connection more, if MaxConns allows; unreserve gives it
// back.
func (s *server) reserve() bool {
	if s.active.Add(1) > int64(s.opts.MaxConns) {
		s.active.Add(-1)
		return false
	}
	return true
}

func (s *server) unreserve() { s.active.Add(-1) }

// full reports whether MaxConns connections are served.
func (s *server) full() bool { return s.active.Load() >= int64(s.opts.MaxConns) }

// stopAccepting lets go of the listener.
func (b *base) stopAccepting() {
	if b.listener != nil {
		b.listener.release()
		b.listener = nil
	}
}

// clearWake empties the eventfd.
func (b *base) clearWake() {
	var p [8]byte
	sys.RawRead(b.wake, p[:])
}

// sleep does the blocking of /sleep, as the client asked for: the whole loop stands still. It wakes
// every tenth of a second of a long sleep to see whether the server was closed meanwhile; then it
// returns false.
func (b *base) sleep(ns int64) bool {
	const slice = int64(100 * time.Millisecond)
	for ns > 0 {
		sys.Nanosleep(min(ns, slice))
		ns -= slice
		if b.cut() {
			return false
		}
	}
	return true
}

// cut reports whether the time of every connection is over: the server was closed, or a drain
// lasted longer than Options.Grace.
func (b *base) cut() bool {
	switch b.srv.stage.Load() {
	case closed:
		return true
	case draining:
		return b.srv.now() >= b.srv.cutoff.Load()
	}
	return false
}
