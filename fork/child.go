package fork

import (
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/sys"
)

// Everything in this file runs in a forked child, after the fork: nosplit, norace, no allocation,
// no pointer stored, raw system calls only.

// worker is what a forked child knows: set by the parent before each fork, only read by the child,
// apart from the memory that was mapped for it.
type worker struct {
	handler  switchyard.Handler
	in, out  []byte           // mapped private: each child gets copies as it writes
	conn     *switchyard.Conn // mapped private
	board    *board           // shared
	slot     *slot            // shared
	counters *switchyard.Counters
	parent   int // the parent's PID
	name     [16]byte
	most     int // connections at once, of all workers together
	fd       int // the connection, the listener, or the socket connections come over
	lock     int // another descriptor: of the lock file or the board; or -1
	program  *sys.Program
}

// begin is the first thing a child does. It keeps the standard descriptors and
// its own one or two, and closes all others the program had open: close on
// exec does nothing for a child that never does. A pipe's end, for one, would
// never see its other end close.
//
//go:nosplit
//go:norace
func (w *worker) begin() {
	sys.RawDieWithParent(w.parent)
	sys.RawInterruptible()
	sys.RawUnblockInterrupt()
	w.slot.interrupt.Store(leader)
	sys.RawSetName(&w.name)
	low, high := w.fd, w.lock
	if low > high {
		low, high = high, low
	}
	const last = 1<<31 - 1
	sys.RawCloseRange(3, low-1)
	sys.RawCloseRange(max(low+1, 3), high-1)
	sys.RawCloseRange(max(high+1, 3), last)
}

// draining reports whether the parent wants the child to finish.
//
//go:nosplit
//go:norace
func (w *worker) draining() bool { return w.board.draining.Load() != 0 }

// over reports whether no connection is to be accepted any more.
//
//go:nosplit
//go:norace
func (w *worker) over() bool { return w.board.draining.Load() == unlistens }

// accept takes the next connection from the child's listener and counts it. When
// the server drains it ends the process once no connection waits: only then does
// a signal interrupt an accept (inet_csk_accept in
// net/ipv4/inet_connection_sock.c), and shutdown(2) on a listener fails every
// accept on it, in all processes, with EINVAL.
//
//go:nosplit
//go:norace
func (w *worker) accept() int {
	paused := false
	for {
		fd, e := sys.RawAccept(w.fd, unix.SOCK_CLOEXEC)
		switch {
		case e == 0:
			w.slot.open.Store(1)
			// At the bound no other worker is left to accept: a pool has no more of them than that.
			// The difference is signed: others may have accepted and closed since.
			if n := w.counters.Accepted.Add(1); int(n-w.counters.Closed.Load()) >= w.most {
				w.counters.Paused.Add(1)
			}
			return fd
		case w.draining() && (e == syscall.EINTR || sys.AcceptMeans(e) == sys.AcceptFailed):
			sys.RawExit(0)
		}
		switch sys.AcceptMeans(e) {
		case sys.AcceptNone, sys.AcceptPause:
			if !paused {
				w.counters.Paused.Add(1)
			}
			paused = true
			sys.RawNanosleep(int64(switchyard.Pause))
		case sys.AcceptFailed:
			w.slot.failure.Store(uint32(e))
			sys.RawExit(exitBroken)
		}
	}
}

// exitBroken is the exit status of a worker whose listener or socket failed, or whose program could
// not be started.
const exitBroken = 3

// serve runs the handler on a connection until that ends, closes it and counts.
//
//go:nosplit
//go:norace
func (w *worker) serve(fd int) {
	*w.conn = switchyard.Conn{}
	w.slot.requests = 0
	w.talk(fd)
	sys.RawClose(fd)
	w.closed()
}

// closed counts the child's connection as closed. Should the child be killed
// half-way, the parent counts the other half.
//
//go:nosplit
//go:norace
func (w *worker) closed() {
	w.counters.Requests.Add(atomic.SwapUint64(&w.slot.requests, 0))
	if w.slot.open.Swap(0) != 0 {
		w.counters.Closed.Add(1)
	}
}

// talk reads, steps and sends until the connection is to be closed.
//
// When the server drains, a connection between two requests ends, and one in a
// request when that is answered. The reads that find out do not block: all that
// a client had sent before the drain is answered, not reset.
//
//go:nosplit
//go:norace
func (w *worker) talk(fd int) {
	var deadline int64 // of a connection that is shut down for writing
	for {
		var n int
		var e syscall.Errno
		switch {
		case deadline != 0:
			left := deadline - sys.RawMonotonic()
			if left <= 0 {
				return
			}
			sys.RawRecvTimeout(fd, left)
			n, e = sys.RawRead(fd, w.in)
		case !w.draining() || !w.conn.Idle():
			n, e = sys.RawRead(fd, w.in)
		default:
			n, e = sys.RawRecvfrom(fd, w.in, unix.MSG_DONTWAIT)
		}
		if e == syscall.EINTR {
			continue
		}
		if e != 0 || n <= 0 || n > len(w.in) {
			return
		}
		in := w.in[:n]
		for again := true; again; {
			took, put, do := w.handler.Step(w.conn, in, w.out)
			w.slot.requests = w.conn.Requests()
			if uint(took) > uint(len(in)) || uint(put) > uint(len(w.out)) {
				return
			}
			in = in[took:]
			if put > 0 && !send(fd, w.out[:put]) {
				return
			}
			switch do {
			case switchyard.ActRead:
				again = false
			case switchyard.ActSleep:
				sys.RawNanosleep(w.conn.SleepNanos())
			case switchyard.ActCrash:
				sys.Crash()
			case switchyard.ActClose:
				return
			case switchyard.ActHalfClose:
				sys.RawShutdown(fd, unix.SHUT_WR)
				deadline = sys.RawMonotonic() + int64(switchyard.Linger)
			}
		}
	}
}

// send sends all of p and reports whether the peer can take more.
//
//go:nosplit
//go:norace
func send(fd int, p []byte) bool {
	for len(p) > 0 {
		n, e := sys.RawSendto(fd, p, unix.MSG_NOSIGNAL)
		if e == syscall.EINTR {
			continue
		}
		if e != 0 || uint(n) > uint(len(p)) {
			return false
		}
		p = p[n:]
	}
	return true
}
