package poll

import (
	"syscall"

	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/sys"
)

// uringSlot is a connection of a loop on completions. It holds no pointers, so the garbage
// collector passes the table by.
type uringSlot struct {
	fd      int32
	backlog uint32 // input not taken, in backlogs; 0 is none
	serial  uint32 // tells it from others that had its place
	chunk   int32  // what is being sent: where in outBuffers,
	off     uint32 // from where
	end     uint32 // to where
	flags   uringFlags
	after   switchyard.Action // what follows when it is sent
	conn    switchyard.Conn
}

type uringFlags uint16

const (
	uOpen      uringFlags = 1 << iota
	uReceiving            // a multishot receive is in flight
	uStopping             // it is being cancelled
	uSending              // a send is in flight; never two, they might swap
	uEnd                  // the client sends no more
	uClosing              // it is closed when nothing is in flight
	uUnsending            // the send is being cancelled
	uHeard                // the receive had input since the last look at it,
	uQuiet                // or before that and none since
	uLast                 // the receive is the look of a drain at what has arrived
	uLooked               // that look found nothing more
	uBounded              // the receive in flight has a bound
	uBehind               // it has once sent more than backlogLimit and not taken its replies
)

// backlogLimit is how much input of a connection that does not take its replies is kept; then it is
// received no more until it does.
const backlogLimit = switchyard.InSize

// begin serves the connection fd from now on. A place for it is reserved.
func (u *uringLoop) begin(fd int32) {
	u.count.Accepted.Add(1)
	u.counted = false
	id := u.slots.take()
	s := u.slots.at(id)
	*s = uringSlot{fd: fd, flags: uOpen, serial: s.serial + 1}
	u.live++
	u.settle(id, s)
}

// receiveBound is after how many bytes a receive is asked for anew. Without a bound one that is in
// flight takes half a mebibyte at a time of a client that has sent so much (MULTISHOT_MAX_RETRY in
// io_uring/net.c), which would have to be kept if the client takes no replies.
const receiveBound = switchyard.InSize

// receive asks for input to come.
func (u *uringLoop) receive(id int32, s *uringSlot) {
	e := u.sqe()
	armReceive(e, s.fd, opReceive|uint64(id))
	switch {
	case !u.unbounded:
		e.OptLen = receiveBound
		s.flags |= uBounded
	case s.flags&uBehind != 0: // once is enough
		e.Ioprio = 0
	}
	s.flags = s.flags&^(uHeard|uQuiet) | uReceiving
}

// receiveLast asks for what has arrived, and does not wait for more.
func (u *uringLoop) receiveLast(id int32, s *uringSlot) {
	e := u.sqe()
	armReceive(e, s.fd, opReceive|uint64(id))
	e.Ioprio, e.Len, e.OpFlags = 0, switchyard.InSize, unix.MSG_DONTWAIT
	s.flags |= uReceiving | uLast
}

// stopReceive ends it.
func (u *uringLoop) stopReceive(id int32, s *uringSlot) {
	if s.flags&(uReceiving|uStopping) == uReceiving {
		s.flags |= uStopping
		u.cancel(opReceive | uint64(id))
	}
}

// received takes input, or the end of receiving.
func (u *uringLoop) received(id int32, c sys.UringCQE) {
	s := u.slots.at(id)
	last := s.flags&uLast != 0
	if c.Flags&sys.UringCQEMore == 0 {
		s.flags &^= uReceiving | uStopping | uLast
	}
	switch {
	case c.Res > 0:
		s.flags |= uHeard
		u.lookLater()
		buffer := uint16(c.Flags >> sys.UringCQEBufferBits)
		if s.flags&uClosing == 0 {
			u.input(id, s, u.buffers.Bytes(buffer)[:c.Res])
		}
		u.giveBack(buffer)
	case c.Res == 0:
		s.flags |= uEnd
		if c.Flags&sys.UringCQEBuffer != 0 {
			u.giveBack(uint16(c.Flags >> sys.UringCQEBufferBits))
		}
	default:
		switch syscall.Errno(-c.Res) {
		case syscall.ENOBUFS:
			u.moreBuffers(2 * u.given)
		case syscall.EAGAIN:
			if last {
				s.flags |= uLooked
			}
		case syscall.EINVAL: // of a kernel before 6.17
			if s.flags&uBounded == 0 {
				s.flags |= uClosing
			}
			s.flags &^= uBounded
			u.unbounded = true
		case syscall.ECANCELED, syscall.EINTR, syscall.ENOMEM:
		default:
			s.flags |= uClosing // a reset
		}
	}
	if s.flags&(uReceiving|uClosing|uStopping|uEnd) != uReceiving || u.drains {
		u.settle(id, s)
	}
}

// input handles what was received, or keeps it while a send is in flight.
func (u *uringLoop) input(id int32, s *uringSlot, in []byte) {
	if s.flags&uSending == 0 {
		in = in[len(in)-u.step(id, s, in):]
		if len(in) == 0 {
			return
		}
	}
	if s.backlog == 0 {
		s.backlog = u.backlogs.take()
	}
	u.backlogs.at(s.backlog).add(in)
	if u.behind(s) {
		s.flags |= uBehind
		u.stopReceive(id, s)
	}
}

// behind reports whether no more input of a connection is to be kept.
func (u *uringLoop) behind(s *uringSlot) bool {
	return s.backlog != 0 && u.backlogs.at(s.backlog).len() >= backlogLimit
}

// step runs the handler over in until it says something, which is sent, or all is taken. It returns
// how many bytes at the end of in are not taken.
func (u *uringLoop) step(id int32, s *uringSlot, in []byte) int {
	for {
		room := u.out.room()
		if room == nil {
			u.hangUp(id, s)
			return 0
		}
		took, put, do := u.handler.Step(&s.conn, in, room)
		in = in[took:]
		if put > 0 {
			chunk, _ := u.out.hold(put)
			s.chunk, s.end = chunk, uint32(u.out.used)
			s.off = s.end - uint32(put)
			s.after = do
			u.send(id, s)
			return len(in)
		}
		if do == switchyard.ActRead {
			return 0
		}
		if !u.act(id, s, do) {
			return 0
		}
	}
}

// send sends what is left of the reply.
func (u *uringLoop) send(id int32, s *uringSlot) {
	if u.sends == sendBatch {
		u.submit()
	}
	u.sends++
	e := u.sqe()
	e.Opcode, e.FD, e.UserData = sys.UringSend, s.fd, opSend|uint64(id)
	e.Addr, e.Len = sys.Addr(u.out.chunks[s.chunk].mem[s.off:s.end]), s.end-s.off
	e.OpFlags = unix.MSG_NOSIGNAL | unix.MSG_WAITALL // not done before all is taken
	s.flags |= uSending
}

// sent goes on when a send has completed.
func (u *uringLoop) sent(id int32, res int32) {
	s := u.slots.at(id)
	s.flags &^= uSending
	switch e := syscall.Errno(-res); {
	case res < 0 && e != syscall.EINTR && e != syscall.EAGAIN && e != syscall.ENOMEM:
		s.flags |= uClosing // a reset, or cancelled
	case res >= 0:
		s.off += uint32(res)
	}
	if s.flags&uClosing == 0 && s.off < s.end {
		u.send(id, s)
		return
	}
	u.out.letGo(s.chunk)
	if s.flags&uClosing == 0 {
		u.next(id, s)
	}
	if s.flags&(uReceiving|uClosing|uStopping|uEnd) != uReceiving || u.drains {
		u.settle(id, s)
	}
}

// next goes on with a connection whose reply is sent.
func (u *uringLoop) next(id int32, s *uringSlot) {
	after := s.after
	if after != switchyard.ActRead && !u.act(id, s, after) {
		return
	}
	var in []byte
	if s.backlog != 0 {
		b := u.backlogs.at(s.backlog)
		in = b.buf[b.off:]
	}
	if after == switchyard.ActRead && len(in) == 0 {
		return
	}
	left := u.step(id, s, in)
	if s.backlog == 0 {
		return
	}
	if left == 0 {
		u.backlogs.give(s.backlog)
		s.backlog = 0
		return
	}
	b := u.backlogs.at(s.backlog)
	b.off = len(b.buf) - left
}

// act does what Step said is next, now that its output is sent, and returns false when the
// connection is being closed.
func (u *uringLoop) act(id int32, s *uringSlot, do switchyard.Action) bool {
	switch do {
	case switchyard.ActSleep:
		u.submit() // the replies of others do not wait for this
		if !u.sleep(s.conn.SleepNanos()) {
			u.hangUp(id, s)
			return false
		}
	case switchyard.ActCrash:
		u.submit()
		sys.Crash()
	case switchyard.ActClose:
		u.hangUp(id, s)
		return false
	case switchyard.ActHalfClose:
		if e := sys.RawShutdown(int(s.fd), unix.SHUT_WR); e != 0 {
			u.hangUp(id, s) // reset meanwhile
			return false
		}
		u.leaving.push(u.srv.now()+int64(switchyard.Linger), id, s.serial)
	}
	return true
}

// hangUp closes a connection as soon as nothing is in flight.
func (u *uringLoop) hangUp(id int32, s *uringSlot) {
	s.flags |= uClosing
	u.settle(id, s)
}

// settle does what follows from the state of a connection that has come to a stop.
func (u *uringLoop) settle(id int32, s *uringSlot) {
	switch {
	case s.flags&uOpen == 0:
	case s.flags&uClosing != 0:
		u.stopReceive(id, s)
		if s.flags&(uSending|uUnsending) == uSending {
			s.flags |= uUnsending
			u.cancel(opSend | uint64(id))
		}
		if s.flags&(uReceiving|uSending) == 0 {
			u.finish(id, s)
		}
	case u.drains && s.flags&(uLooked|uEnd) == 0 && !u.behind(s):
		// A receive that is cancelled leaves what has arrived in the socket. It is asked for until
		// nothing is left, and answered.
		if s.flags&uReceiving == 0 {
			u.receiveLast(id, s)
		} else if s.flags&uLast == 0 {
			u.stopReceive(id, s)
		}
	case s.flags&uSending != 0:
		// When it is sent.
	case s.flags&uEnd != 0, u.drains && s.conn.Idle():
		u.hangUp(id, s)
	case s.flags&uReceiving == 0:
		u.receive(id, s)
	}
}

// finish closes a connection and forgets it.
func (u *uringLoop) finish(id int32, s *uringSlot) {
	e := u.sqe()
	e.Opcode, e.Flags, e.FD, e.UserData = sys.UringClose, sys.UringSQECQESkipSuccess, s.fd, opIgnore
	if s.backlog != 0 {
		u.backlogs.give(s.backlog)
		s.backlog = 0
	}
	s.flags = 0
	u.live--
	if u.live == 0 {
		u.fewerBuffers()
	}
	u.count.Requests.Add(s.conn.Requests())
	u.count.Closed.Add(1)
	u.slots.give(id)
	u.srv.unreserve()
	if u.paused {
		u.resume()
	}
}
