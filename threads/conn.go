package threads

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/sys"
)

// conn is one connection and the buffers it is served with. A worker of a pool uses one for all its
// connections in turn.
type conn struct {
	fd      int
	state   switchyard.Conn
	in, out []byte
	tid     int // the thread that serves it

	// busy is set from the first byte of a request to the last of its reply, if the thread waits
	// for anything between; a drain leaves it alone.
	busy atomic.Bool
	// sleeping is the TID of the thread while it is in nanosleep(2).
	sleeping atomic.Int64

	halfClosed bool
	until      time.Time // when halfClosed: give up then

	prev, next *conn // in conns, while open
}

// serve reads, steps and writes until the connection is done. It blocks in the kernel.
func (s *server) serve(c *conn) {
	for {
		if !c.busy.Load() && s.draining.Load() {
			// What the client has sent by now is still read and answered (tcp(7) keeps it), and
			// after that comes the end.
			sys.RawShutdown(c.fd, unix.SHUT_RD)
		}
		n, e := sys.Read(c.fd, c.in)
		if e != 0 || n == 0 || !s.take(c, c.in[:n]) {
			return
		}
		if c.halfClosed && time.Now().After(c.until) {
			return
		}
	}
}

// take handles what was read, all of it, and reports whether to read on.
func (s *server) take(c *conn, in []byte) bool {
	for {
		took, put, do := s.handler.Step(&c.state, in, c.out)
		in = in[took:]
		// Before the client can know that the request was taken.
		if busy := !c.state.Idle(); busy != c.busy.Load() {
			c.busy.Store(busy)
		}
		if put > 0 && !writeAll(c.fd, c.out[:put]) || do != switchyard.ActRead && s.cutting.Load() {
			return false
		}
		switch do {
		case switchyard.ActRead:
			return true
		case switchyard.ActWrite:
		case switchyard.ActSleep:
			if !s.sleep(c, c.state.SleepNanos()) {
				return false
			}
		case switchyard.ActCrash:
			sys.Crash()
		case switchyard.ActClose:
			return false
		case switchyard.ActHalfClose:
			sys.RawShutdown(c.fd, unix.SHUT_WR)
			timeout := unix.NsecToTimeval(int64(switchyard.Linger))
			if unix.SetsockoptTimeval(c.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout) != nil {
				return false
			}
			c.halfClosed, c.until = true, time.Now().Add(switchyard.Linger)
		}
	}
}

// writeAll blocks until the kernel has taken all of p; false when the client is gone.
func writeAll(fd int, p []byte) bool {
	for len(p) > 0 {
		n, e := sys.Write(fd, p)
		if e != 0 {
			return false
		}
		p = p[n:]
	}
	return true
}

// sleep blocks the thread for ns nanoseconds; false when the server was cut off meanwhile.
func (s *server) sleep(c *conn, ns int64) bool {
	c.sleeping.Store(int64(c.tid))
	defer c.sleeping.Store(0)
	for ns > 0 {
		if s.cutting.Load() {
			return false
		}
		ns = sys.NanosleepOnce(ns)
	}
	return true
}
