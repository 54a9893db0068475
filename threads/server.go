package threads

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/sys"
)

// server is what the designs with locked threads share: a blocking listener, the connections, and
// the way a server ends. A design is a start function that makes its threads, and what those
// threads do.
type server struct {
	opts    switchyard.Options
	handler switchyard.Handler
	counts  *switchyard.Counters
	addr    netip.AddrPort
	fd      int // the listener

	start     func() error // makes the threads that the design begins with
	accepters int          // how many threads accept

	conns    conns
	active   atomic.Int64 // connections open
	gate     gate         // opened when a connection closes
	draining atomic.Bool  // close connections that are idle
	due      atomic.Int64 // in a drain: how many connections may still be accepted
	over     atomic.Bool  // nothing is accepted any more
	cutting  atomic.Bool  // everything ends now
	threads  crew
	failure  chan error

	life
	ended bool // fd is closed; under life.mu
}

// listen binds a server to its address.
func listen(opts switchyard.Options) (*server, error) {
	fd, addr, err := sys.Listen(opts.Listen, sys.ListenConfig{})
	if err != nil {
		return nil, err
	}
	s := &server{
		opts: opts, handler: opts.Handler(), counts: opts.Count(), addr: addr, fd: fd,
		failure: make(chan error, 1), life: newLife(),
	}
	return s, nil
}

// Addr is switchyard.Server's.
func (s *server) Addr() netip.AddrPort { return s.addr }

// Serve is switchyard.Server's. A request that is in /work when the grace is over is still
// finished: a thread that computes cannot be stopped.
func (s *server) Serve(ctx context.Context) error {
	if err := s.begin(); err != nil {
		return err
	}
	err := s.start()
	if err == nil {
		if s.opts.Ready != nil {
			s.opts.Ready(s.addr)
		}
		select {
		case <-ctx.Done():
		case <-s.closing:
		case err = <-s.failure:
		}
	}
	s.drain()
	s.finish(s.threads.wait, s.opts.Grace, s.cut) // now there are no threads any more

	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	return s.end(errors.Join(err, sys.Close(s.fd), s.conns.unmap()))
}

// Close is switchyard.Server's.
func (s *server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch first := s.close(); {
	case !first:
	case !s.serving:
		s.ended = true
		return sys.Close(s.fd)
	case !s.ended:
		s.drain()
		s.cut()
	}
	return nil
}

// drain takes the connections that the kernel has for the server by now, no more, and ends those on
// which no request has begun.
func (s *server) drain() {
	waiting := sys.Queued(s.fd)
	// A thread may have accepted one before and not yet have counted it.
	s.due.Store(int64(waiting + s.accepters))
	s.draining.Store(true)
	if waiting == 0 {
		s.unlisten()
	} else {
		// Whoever finds the queue empty ends the listening. Those who block by now are woken by
		// that.
		unix.SetNonblock(s.fd, true)
	}
	s.conns.each(func(c *conn) {
		if !c.busy.Load() {
			sys.RawShutdown(c.fd, unix.SHUT_RD)
		}
	})
}

// unlisten ends the accepting.
func (s *server) unlisten() {
	s.over.Store(true)
	// Every accept returns EINVAL, now and later.
	sys.RawShutdown(s.fd, unix.SHUT_RDWR)
	s.gate.open()
}

// cut ends every connection.
func (s *server) cut() {
	s.cutting.Store(true)
	s.unlisten()
	pid := os.Getpid()
	s.conns.each(func(c *conn) {
		sys.RawShutdown(c.fd, unix.SHUT_RDWR)
		if tid := int(c.sleeping.Load()); tid != 0 {
			// Any signal ends a nanosleep; this one is the Go runtime's own and does nothing when
			// it comes without a reason.
			unix.Tgkill(pid, tid, unix.SIGURG)
		}
	})
}

// accept blocks until a connection comes and makes it c. It waits out limits; false means that the
// server is ending.
func (s *server) accept(c *conn) bool {
	for paused := false; !s.over.Load(); {
		fd, e := sys.Accept(s.fd)
		switch {
		case e == 0:
			s.counts.Accepted.Add(1)
			s.conns.add(c, fd)
			if s.active.Add(1) >= int64(s.opts.MaxConns) {
				s.counts.Paused.Add(1)
			}
			if s.draining.Load() && s.due.Add(-1) <= 0 {
				s.unlisten()
			}
			return true
		case sys.AcceptMeans(e) == sys.AcceptNone: // in a drain: nobody waits any more
			s.unlisten()
			return false
		case sys.AcceptMeans(e) == sys.AcceptPause:
			s.pause(&paused)
		default:
			if !s.over.Load() {
				s.fail(fmt.Errorf("accept on %s: %w", s.addr, os.NewSyscallError("accept4", e)))
			}
			return false
		}
	}
	return false
}

// pause waits until a connection closes, but no longer than switchyard.Pause. It is counted when
// the thread has not paused already since its last connection.
func (s *server) pause(already *bool) {
	if !*already {
		*already = true
		s.counts.Paused.Add(1)
	}
	s.gate.wait(func() bool { return !s.over.Load() })
}

// full reports whether no connection may be added now.
func (s *server) full() bool {
	return s.active.Load() >= int64(s.opts.MaxConns) && !s.over.Load()
}

// done closes c, which serve is through with.
func (s *server) done(c *conn) {
	s.counts.Requests.Add(c.state.Requests())
	s.conns.remove(c)
	sys.RawClose(c.fd)
	s.counts.Closed.Add(1)
	s.active.Add(-1)
	s.gate.open()
}

// fail ends the server with err.
func (s *server) fail(err error) {
	select {
	case s.failure <- err:
	default:
	}
}
