package threads

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"switchyard"
	"switchyard/internal/sys"
)

// What a Go programmer would write: package net, a goroutine for each connection, buffers from a
// sync.Pool. Connections do not block, and the Go runtime's poller (epoll) parks and wakes their
// goroutines; which threads run them is the runtime's choice, so they have no names of their own.
func init() {
	switchyard.Register(switchyard.Model{
		Name:     "threads/goroutine",
		Doc:      "a goroutine for each client on Go's own poller: what a Go programmer would write",
		Unnamed:  true, // which thread runs a goroutine is the Go runtime's choice
		Syscalls: []string{"epoll_pwait", "accept4", "read", "write", "futex"},
		Probes:   []string{"sched", "task", "syscall"},
		New:      newGoroutine,
	})
}

type goroutineServer struct {
	opts     switchyard.Options
	handler  switchyard.Handler
	counts   *switchyard.Counters
	addr     netip.AddrPort
	listener *net.TCPListener
	buffers  sync.Pool

	draining atomic.Bool
	cutting  chan struct{}  // closed when everything ends
	freed    chan struct{}  // holds a value when a connection has closed
	conns    sync.WaitGroup // those that are served

	life
	open map[*goroutineConn]struct{} // this and cut under life.mu
	cut  bool
}

type goroutineConn struct {
	*net.TCPConn
	state switchyard.Conn
	busy  atomic.Bool // in the middle of a request: a drain leaves it alone
}

type buffers struct {
	in  [switchyard.InSize]byte
	out [switchyard.OutSize]byte
}

func newGoroutine(opts switchyard.Options) (switchyard.Server, error) {
	// sys.Listen rather than net.Listen for the same socket, queue and errors as every other design
	// (net.Listen would make a Multipath TCP socket).
	fd, addr, err := sys.Listen(opts.Listen, sys.ListenConfig{NonBlock: true})
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), "listener")
	listener, err := net.FileListener(file) // a duplicate
	file.Close()
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	s := &goroutineServer{
		opts: opts, handler: opts.Handler(), counts: opts.Count(), addr: addr,
		listener: listener.(*net.TCPListener),
		buffers:  sync.Pool{New: func() any { return new(buffers) }},
		cutting:  make(chan struct{}), freed: make(chan struct{}, 1),
		life: newLife(), open: map[*goroutineConn]struct{}{},
	}
	return s, nil
}

// Addr is switchyard.Server's.
func (s *goroutineServer) Addr() netip.AddrPort { return s.addr }

// Serve is switchyard.Server's.
func (s *goroutineServer) Serve(ctx context.Context) error {
	if err := s.begin(); err != nil {
		return err
	}
	accepting := make(chan error, 1)
	go func() { accepting <- s.acceptAll() }()
	if s.opts.Ready != nil {
		s.opts.Ready(s.addr)
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-accepting: // it failed, or Close was called
		accepting <- err
	}
	s.drain()
	s.finish(func() {
		err = <-accepting
		s.conns.Wait()
	}, s.opts.Grace, s.cutOff)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.end(err)
}

// Close is switchyard.Server's.
func (s *goroutineServer) Close() error {
	s.mu.Lock()
	first := s.close()
	s.mu.Unlock()
	if first {
		s.drain()
		s.cutOff()
	}
	return nil
}

// drain takes the connections that the kernel has for the server by now, no more, and ends those on
// which no request has begun.
func (s *goroutineServer) drain() {
	s.draining.Store(true)
	s.listener.SetDeadline(past) // acceptAll sees to the rest
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.open {
		if !c.busy.Load() {
			c.CloseRead()
		}
	}
}

// past is a deadline that is over.
var past = time.Unix(1, 0)

// queued is how many connections wait to be accepted.
func (s *goroutineServer) queued() (n int) {
	raw, err := s.listener.SyscallConn()
	if err == nil {
		raw.Control(func(fd uintptr) { n = sys.Queued(int(fd)) })
	}
	return n
}

// cutOff ends every connection. Their goroutines close them.
func (s *goroutineServer) cutOff() {
	s.listener.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.cut {
		s.cut = true
		close(s.cutting)
	}
	for c := range s.open {
		c.SetDeadline(past)
	}
}

func (s *goroutineServer) acceptAll() error {
	defer s.listener.Close()
	paused := false
	due := -1 // in a drain: how many connections are still to be accepted
	pause := func() {
		if !paused {
			paused = true
			s.counts.Paused.Add(1)
		}
		select {
		case <-s.freed:
		case <-time.After(switchyard.Pause):
		}
	}
	for {
		if s.draining.Load() {
			waiting := s.queued()
			if due < 0 {
				due = waiting
			}
			if due == 0 || waiting == 0 {
				return nil
			}
			s.listener.SetDeadline(time.Time{}) // one waits, so nothing blocks
		}
		if s.size() >= s.opts.MaxConns {
			pause()
			continue
		}
		c, err := s.listener.AcceptTCP()
		switch {
		case err == nil:
			paused = false
			due = max(due-1, -1)
			s.counts.Accepted.Add(1)
			conn := &goroutineConn{TCPConn: c}
			if !s.add(conn) {
				s.remove(conn)
				break
			}
			s.conns.Go(func() {
				s.serve(conn)
				s.remove(conn)
			})
		case errors.Is(err, os.ErrDeadlineExceeded): // a drain begins
		case errors.Is(err, net.ErrClosed) && s.draining.Load():
			return nil
		default:
			var e syscall.Errno // 0, which is a failure, for net.ErrClosed
			errors.As(err, &e)
			switch sys.AcceptMeans(e) {
			case sys.AcceptNext:
			case sys.AcceptPause:
				pause()
			default:
				return fmt.Errorf("accept on %s: %w", s.addr, err)
			}
		}
	}
}

func (s *goroutineServer) size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// add reports whether the server still serves.
func (s *goroutineServer) add(c *goroutineConn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[c] = struct{}{}
	return !s.cut
}

func (s *goroutineServer) remove(c *goroutineConn) {
	s.counts.Requests.Add(c.state.Requests())
	s.mu.Lock()
	delete(s.open, c)
	s.mu.Unlock()
	c.Close()
	s.counts.Closed.Add(1)
	select {
	case s.freed <- struct{}{}:
	default:
	}
}

func (s *goroutineServer) serve(c *goroutineConn) {
	b := s.buffers.Get().(*buffers)
	defer s.buffers.Put(b)
	for {
		if !c.busy.Load() && s.draining.Load() {
			c.CloseRead() // what has come by now is still read
		}
		n, err := c.Read(b.in[:])
		if err != nil {
			return
		}
		for in, do := b.in[:n], switchyard.ActWrite; do != switchyard.ActRead; {
			var took, put int
			took, put, do = s.handler.Step(&c.state, in, b.out[:])
			in = in[took:]
			if busy := !c.state.Idle(); busy != c.busy.Load() {
				c.busy.Store(busy)
			}
			if put > 0 {
				if _, err := c.Write(b.out[:put]); err != nil {
					return
				}
			}
			switch do {
			case switchyard.ActWrite:
				select {
				case <-s.cutting:
					return
				default:
				}
			case switchyard.ActSleep:
				select {
				case <-time.After(time.Duration(c.state.SleepNanos())):
				case <-s.cutting:
					return
				}
			case switchyard.ActCrash:
				sys.Crash()
			case switchyard.ActClose:
				return
			case switchyard.ActHalfClose:
				c.CloseWrite()
				c.SetReadDeadline(time.Now().Add(switchyard.Linger))
				select {
				case <-s.cutting: // and not undone by the line above
					return
				default:
				}
			}
		}
	}
}
