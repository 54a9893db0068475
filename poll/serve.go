package poll

import (
	"syscall"

	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/sys"
)

// slot is a connection of a loop that is told of readiness. It holds no pointers, so the garbage
// collector passes the table by.
type slot struct {
	fd     int32
	rest   uint32 // what is left to do, in rests; 0 is nothing
	serial uint32 // tells it from others that had its place
	flags  slotFlags
	after  switchyard.Action // what follows when the rest's output is written
	// Last, as it ends in a buffer that few requests use: what most need is together.
	conn switchyard.Conn
}

type slotFlags uint8

const (
	flagOpen  slotFlags = 1 << iota
	flagWrite           // the poller waits for it to be writable
	flagAgain           // it is in readyLoop.again
)

const (
	// turnReads and turnBytes bound what one connection gets before the others have their turn: how
	// often it is read (edge-triggered; otherwise once), and how many bytes of replies it is sent.
	turnReads = 4
	turnBytes = 4 * switchyard.OutSize
)

// serve goes on with a connection that may be ready.
func (l *readyLoop) serve(id int32) {
	s := l.slots.at(id)
	if s.flags&flagOpen == 0 {
		return
	}
	l.slow = false
	if s.rest != 0 {
		if !l.goOnWith(id, s) || !l.edge && !l.drains {
			return
		}
	}
	for reads := 1; ; reads++ {
		n, e := sys.RawRead(int(s.fd), l.in)
		if n <= 0 || e != 0 {
			switch e {
			case syscall.EAGAIN:
				if l.drains && s.conn.Idle() {
					l.closeConn(id, s)
				}
				return
			case syscall.EINTR:
				continue
			}
			l.closeConn(id, s) // the end, or a reset
			return
		}
		if !l.step(id, s, l.in[:n]) {
			return
		}
		// A drain too reads until nothing is left: it answers all that has arrived.
		if !l.edge && !l.drains {
			return
		}
		if reads == turnReads {
			l.queue(id, s)
			return
		}
	}
}

// step runs the handler over in and sends what it says, with sendto and not write, or each peer
// that vanished would cost the process a SIGPIPE. It returns false when the connection is not to be
// read now: it is closed, its socket takes no more, or others have their turn. They have it before
// the second request that burns or sleeps.
func (l *readyLoop) step(id int32, s *slot, in []byte) bool {
	for sent := 0; ; {
		if s.conn.Working() {
			if l.slow {
				l.block(id, s, nil, in, switchyard.ActWrite)
				return false
			}
			l.slow = true
		}
		took, put, do := l.handler.Step(&s.conn, in, l.out)
		in = in[took:]
		if put > 0 {
			n, e := sys.RawSendto(int(s.fd), l.out[:put], unix.MSG_NOSIGNAL)
			if n != put {
				if e != 0 {
					if e != syscall.EAGAIN {
						l.closeConn(id, s)
						return false
					}
					n = 0
				}
				l.block(id, s, l.out[n:put], in, do)
				return false
			}
			sent += put
		}
		if do == switchyard.ActRead {
			return true
		}
		if l.cut() {
			l.closeConn(id, s)
			return false
		}
		if do == switchyard.ActSleep && l.slow {
			l.block(id, s, nil, in, do)
			return false
		}
		if !l.act(id, s, do) {
			return false
		}
		if sent >= turnBytes {
			l.block(id, s, nil, in, switchyard.ActWrite)
			return false
		}
	}
}

// act does what Step said is next, now that its output is written, and returns false when the
// connection is closed.
func (l *readyLoop) act(id int32, s *slot, do switchyard.Action) bool {
	switch do {
	case switchyard.ActSleep:
		l.slow = true
		if !l.sleep(s.conn.SleepNanos()) {
			l.closeConn(id, s)
			return false
		}
	case switchyard.ActCrash:
		sys.Crash()
	case switchyard.ActClose:
		l.closeConn(id, s)
		return false
	case switchyard.ActHalfClose:
		if e := sys.RawShutdown(int(s.fd), unix.SHUT_WR); e != 0 {
			l.closeConn(id, s) // reset meanwhile
			return false
		}
		l.leaving.push(l.srv.now()+int64(switchyard.Linger), id, s.serial)
	}
	return true
}

// block keeps what is left of a step until the socket takes output again; with no output left,
// until the others had their turn.
func (l *readyLoop) block(id int32, s *slot, out, in []byte, after switchyard.Action) {
	if s.rest == 0 {
		s.rest = l.rests.take()
	}
	r := l.rests.at(s.rest)
	// in may be a part of inBuf already: copy moves it forward.
	r.out = r.outBuf[:copy(r.outBuf, out)]
	r.in = r.inBuf[:copy(r.inBuf, in)]
	s.after = after
	switch {
	case s.flags&flagWrite != 0:
		// It is told of when it is writable.
	case len(out) == 0:
		l.queue(id, s)
	case !l.edge:
		s.flags |= flagWrite
		l.poller.turn(id, int(s.fd), true)
	}
}

// goOnWith writes and handles the rest of a connection. It returns true when nothing is left and
// the connection may be read again.
func (l *readyLoop) goOnWith(id int32, s *slot) bool {
	r := l.rests.at(s.rest)
	if len(r.out) > 0 {
		n, e := sys.RawSendto(int(s.fd), r.out, unix.MSG_NOSIGNAL)
		if e != 0 && e != syscall.EAGAIN {
			l.closeConn(id, s)
			return false
		}
		if e == 0 {
			r.out = r.out[n:]
		}
		if len(r.out) > 0 {
			return false // a short write, too, means that the socket is full (epoll(7))
		}
	}
	after := s.after
	s.after = switchyard.ActWrite
	if !l.act(id, s, after) {
		return false
	}
	if (after != switchyard.ActRead || len(r.in) > 0) && !l.step(id, s, r.in) {
		return false
	}
	l.rests.give(s.rest)
	s.rest = 0
	if s.flags&flagWrite != 0 {
		s.flags &^= flagWrite
		l.poller.turn(id, int(s.fd), false)
	}
	return true
}

// queue has the loop go on with a connection without being told of it.
func (l *readyLoop) queue(id int32, s *slot) {
	if s.flags&flagAgain == 0 {
		s.flags |= flagAgain
		l.again = append(l.again, id)
	}
}
