package load

import (
	"bytes"
	"fmt"

	"golang.org/x/sys/unix"

	"switchyard/internal/sys"
)

type clientState uint8

const (
	closed     clientState = iota // no connection
	connecting                    // handshake under way
	ready                         // connected, nothing outstanding
	busy                          // a request is on its way out or waits for its answer
	waiting                       // after an error, until retryAt
)

// A client is one of the connections that make requests, over all the connections it has in a row.
type client struct {
	fd      int32
	gen     int32 // of fd: an event of a connection that is gone is known by it
	state   clientState
	pending bool   // a request was given to it and not one byte of it has left
	fresh   bool   // no request was sent on this connection yet, and one asked for it
	again   bool   // its request is the second copy: the connection that took the first is gone
	lostBy  kindID // how that connection ended
	wantOut bool   // the descriptor is watched for writing too
	phase   int32
	made    int // requests sent on this connection
	wrote   int // bytes of the request
	echoed  int // bytes of the echo that came back
	resp    response

	due      int64 // open loop: intended time of the request
	from     int64 // latency counts from here
	sentAt   int64
	openedAt int64 // start of the connect
	freeAt   int64 // open loop: since when it has nothing to do
	retryAt  int64
	fails    int64  // errors in a row
	answered uint64 // good responses in this phase
}

const (
	watchIn  = unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLET
	watchOut = watchIn | unix.EPOLLOUT
)

// begin gives client i a request, and returns the time at which it acted on it. due is the intended
// time; the closed loop has none.
func (l *loop) begin(i int32, due int64) int64 {
	c := &l.clients[i]
	c.pending, c.due = true, due
	if c.state == closed {
		l.open(i)
		return c.openedAt
	}
	l.send(i)
	return c.sentAt
}

// open connects client i and, when a request is pending and the handshake is complete at once, as
// it is on loopback, sends it without waiting for an event.
func (l *loop) open(i int32) {
	c := &l.clients[i]
	c.openedAt = l.clock()
	l.now = c.openedAt
	fd, e := l.dial.open()
	if e != 0 {
		l.connectFailed(i, connectKind(e))
		return
	}
	l.attach(i, fd)
	c.fresh = c.pending
	if c.pending {
		at := l.clock()
		n, e := sys.RawSendto(fd, l.req, unix.MSG_NOSIGNAL)
		if e == 0 {
			l.established(c, at)
			l.wrote(c, n, at)
			l.watch(i, n < len(l.req))
			return
		}
		if e != unix.EAGAIN && e != unix.EINTR {
			l.connectFailed(i, connectKind(e))
			return
		}
	}
	c.state = connecting
	l.connecting++
	l.watch(i, true)
}

// attach makes fd the connection of client i.
func (l *loop) attach(i int32, fd int) {
	c := &l.clients[i]
	c.fd = int32(fd)
	c.gen++
	c.made = 0
}

// watch registers the connection of client i, once: edge-triggered, so that an answered client
// costs no second look, and for writing only if needed.
func (l *loop) watch(i int32, out bool) {
	c := &l.clients[i]
	ev := unix.EpollEvent{Events: watchIn, Fd: i, Pad: c.gen}
	if out {
		ev.Events = watchOut
	}
	c.wantOut = out
	if err := unix.EpollCtl(l.epfd, unix.EPOLL_CTL_ADD, int(c.fd), &ev); err != nil {
		l.broken(fmt.Errorf("watch a connection: %w", err))
	}
}

// watchWriting adds writing to what the connection is watched for.
func (l *loop) watchWriting(i int32) {
	c := &l.clients[i]
	if c.wantOut {
		return
	}
	c.wantOut = true
	ev := unix.EpollEvent{Events: watchOut, Fd: i, Pad: c.gen}
	if err := unix.EpollCtl(l.epfd, unix.EPOLL_CTL_MOD, int(c.fd), &ev); err != nil {
		l.broken(fmt.Errorf("watch a connection: %w", err))
	}
}

func (l *loop) established(c *client, at int64) {
	l.t.opened++
	if c.openedAt >= 0 {
		l.t.connect.Record(at - c.openedAt)
	}
}

// send sends the pending request of client i, whose connection is ready.
func (l *loop) send(i int32) {
	c := &l.clients[i]
	at := l.clock()
	l.now = at
	n, e := sys.RawSendto(int(c.fd), l.req, unix.MSG_NOSIGNAL)
	if e == unix.EAGAIN || e == unix.EINTR {
		n, e = 0, 0
	}
	l.wrote(c, max(n, 0), at)
	if e != 0 {
		l.lost(i, ioKind(e), "send: "+e.Error())
		return
	}
	if n < len(l.req) {
		l.watchWriting(i)
	}
}

// wrote books a request whose first n bytes were taken at the time at. A second copy is no other
// request: its time counts from the first.
func (l *loop) wrote(c *client, n int, at int64) {
	c.state, c.pending = busy, false
	c.wrote, c.echoed = n, 0
	c.made++
	c.resp = response{}
	l.t.bytesOut += uint64(n)
	if c.again {
		c.fresh = false
		return
	}
	switch {
	case l.sched != nil:
		c.from = c.due
	case c.fresh:
		c.from = c.openedAt
	default:
		c.from = at
	}
	c.fresh = false
	c.phase, c.sentAt = l.phase, at
	l.t.sent++
	l.inflight++
}

// outstanding reports whether c has a request of which a byte was sent and that is not answered.
func (c *client) outstanding() bool { return c.state == busy || c.again }

// lost acts on the end of the connection on which the request of client i is outstanding.
//
// A server may close a connection that it keeps whenever it likes, and its closing and the next
// request may cross on the way. Where not one byte of the response came, and the connection had
// served a request before, the request is sent again on a new connection (RFC 9112, section 9.3.1:
// it is a GET). That is done once: what fails as the first request of a connection has failed.
func (l *loop) lost(i int32, k kindID, example string) {
	c := &l.clients[i]
	if !l.http || c.made < 2 || c.resp.begun() || k != kReset && k != kClosedEarly {
		l.fail(i, k, example)
		return
	}
	l.t.closedByServer++
	l.t.reconnects++
	l.hangUp(i)
	c.again, c.pending, c.lostBy = true, true, k
	l.open(i)
}

// expire gives up the request of client i when its time is over, and reports whether it was.
func (l *loop) expire(i int32) bool {
	c := &l.clients[i]
	if !c.outstanding() || l.now-c.sentAt <= l.timeout {
		return false
	}
	if c.state == connecting {
		l.connecting--
	}
	l.fail(i, kTimeout, "")
	return true
}

// handle acts on one event of client i.
func (l *loop) handle(i, gen int32, ev uint32) {
	c := &l.clients[i]
	if c.gen != gen || c.fd < 0 {
		return
	}
	const gone = unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR
	switch c.state {
	case busy:
		if c.wrote < len(l.req) && ev&unix.EPOLLOUT != 0 && !l.sendRest(i) {
			return
		}
		if ev&(unix.EPOLLIN|gone) != 0 {
			l.receive(i, ev&gone != 0)
		}
	case connecting:
		if ev&(unix.EPOLLOUT|unix.EPOLLHUP|unix.EPOLLERR) == 0 {
			return
		}
		l.connecting--
		if e := socketError(int(c.fd)); e != 0 {
			c.state = closed
			l.connectFailed(i, connectKind(e))
			return
		}
		l.now = l.clock()
		l.established(c, l.now)
		c.state = ready
		switch {
		case c.pending:
			l.send(i)
		case ev&gone != 0:
			l.t.closedByServer++
			l.hangUp(i)
			l.release(i)
		default:
			l.release(i)
		}
	case ready:
		// The server may close a connection between two requests, or say something unasked before
		// it does. The client connects again when its turn comes.
		if ev&(unix.EPOLLIN|gone) != 0 {
			l.t.closedByServer++
			l.hangUp(i)
		}
	}
}

// sendRest sends more of a request; it reports whether the client goes on.
func (l *loop) sendRest(i int32) bool {
	c := &l.clients[i]
	for c.wrote < len(l.req) {
		n, e := sys.RawSendto(int(c.fd), l.req[c.wrote:], unix.MSG_NOSIGNAL)
		switch e {
		case 0:
			c.wrote += n
			l.t.bytesOut += uint64(n)
		case unix.EINTR:
		case unix.EAGAIN:
			return true
		default:
			l.now = l.clock()
			l.lost(i, ioKind(e), "send: "+e.Error())
			return false
		}
	}
	return true
}

// receive reads what there is. A read that did not fill the buffer took everything (epoll(7)), and
// an edge tells of more; only when the peer is gone one must read to the end.
func (l *loop) receive(i int32, gone bool) {
	c := &l.clients[i]
	for range receiveBurst {
		n, e := sys.RawRecvfrom(int(c.fd), l.buf, 0)
		switch e {
		case 0:
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return
		default:
			l.now = l.clock()
			if !l.expire(i) {
				l.lost(i, ioKind(e), "recv: "+e.Error())
			}
			return
		}
		l.now = l.clock()
		if l.expire(i) {
			return // it came too late, whoever looked when
		}
		if l.sched == nil {
			l.t.lateness.Record(l.now - l.lookedAt)
		}
		if n == 0 {
			if l.http && c.resp.eof() == done {
				l.complete(i, false, true)
				return
			}
			l.lost(i, kClosedEarly, "")
			return
		}
		l.t.bytesIn += uint64(n)
		used, o := l.parse(c, l.buf[:n])
		switch {
		case o == bad:
			l.badResponse(i)
			return
		case o == done && used < n:
			l.fail(i, kBadResponse, fmt.Sprintf("%d bytes more than the response", n-used))
			return
		case o == done:
			l.complete(i, c.resp.head.keep || !l.http, gone)
			return
		}
		if n < len(l.buf) && !gone {
			return
		}
	}
	// Others want their turn too.
	l.again = append(l.again, again{i, c.gen, gone})
}

const receiveBurst = 16

// parse feeds b to the response that client c waits for.
func (l *loop) parse(c *client, b []byte) (int, outcome) {
	if l.http {
		return l.heads.feed(&c.resp, b)
	}
	// Nothing may come back that was not sent yet.
	n := min(len(b), c.wrote-c.echoed)
	if !bytes.Equal(b[:n], l.req[c.echoed:c.echoed+n]) {
		return 0, bad
	}
	c.echoed += n
	if c.echoed == len(l.req) {
		return n, done
	}
	if n < len(b) {
		return n, bad
	}
	return n, more
}

func (l *loop) badResponse(i int32) {
	msg := ""
	if l.t.examples[kBadResponse] == "" {
		switch {
		case !l.http:
			msg = "the bytes that came back are not those that were sent"
		default:
			msg = l.clients[i].resp.problem.String()
		}
	}
	l.fail(i, kBadResponse, msg)
}

// complete books the response of client i. keep says whether the connection may carry another
// request, gone whether the server closed it.
func (l *loop) complete(i int32, keep, gone bool) {
	c := &l.clients[i]
	c.fails, c.again = 0, false
	l.inflight--
	kind := kNone
	if l.http {
		kind = statusKind(c.resp.head.status)
	}
	switch {
	case c.phase != l.phase:
		l.t.carriedAnswered++
	case kind != kNone:
		l.t.errs[kind]++
		l.t.failed++
		if l.t.examples[kind] == "" {
			l.t.examples[kind] = fmt.Sprintf("status %d", c.resp.head.status)
		}
	default:
		if l.now <= l.end {
			l.t.requests++
		} else {
			l.t.drained++
		}
		c.answered++
		l.t.latency.Record(l.now - c.from)
	}
	if !keep || gone || l.perConn > 0 && c.made >= l.perConn {
		l.hangUp(i)
	} else {
		c.state = ready
	}
	l.release(i)
}

// fail books an error of the request client i has outstanding, and gives the connection up.
func (l *loop) fail(i int32, k kindID, example string) {
	c := &l.clients[i]
	l.inflight--
	c.again, c.pending = false, false
	if c.phase != l.phase {
		l.t.carriedAnswered++
	} else {
		if k == kTimeout {
			// It took at least so long, and may have taken for ever.
			l.t.latency.RecordAtLeast(min(l.now, c.sentAt+l.timeout)-c.from, 1)
		}
		l.t.failed++
		l.t.errs[k]++
		if l.t.examples[k] == "" {
			l.t.examples[k] = example
		}
	}
	l.hangUp(i)
	// One error may be a connection that had its time; more in a row are a server that should not
	// be hammered.
	if c.fails++; c.fails > 1 {
		l.backOff(c)
		return
	}
	l.release(i)
}

// connectFailed books a connection that could not be made. The client tries again later; a pending
// request stays pending, but for one that had been sent before: that has failed.
func (l *loop) connectFailed(i int32, k kindID) {
	c := &l.clients[i]
	l.t.errs[k]++
	if c.again {
		l.fail(i, c.lostBy, "")
		return
	}
	l.hangUp(i)
	c.fails++
	l.backOff(c)
}

const (
	firstBackOff = int64(10_000_000)
	lastBackOff  = int64(320_000_000)
)

func (l *loop) backOff(c *client) {
	c.state = waiting
	c.retryAt = l.now + min(firstBackOff<<min(c.fails-1, 8), lastBackOff)
	l.sweepAt = min(l.sweepAt, c.retryAt)
	l.waiting++
}

// hangUp closes the connection of client i, if it has one. Closing takes it out of epoll.
func (l *loop) hangUp(i int32) {
	c := &l.clients[i]
	if c.fd >= 0 {
		sys.RawClose(int(c.fd))
		c.fd = -1
		c.gen++
	}
	c.state = closed
}

// release says that client i has nothing to do.
func (l *loop) release(i int32) {
	if !l.sending {
		return
	}
	if l.sched != nil {
		l.clients[i].freeAt = l.now
		l.pushFree(i)
		return
	}
	l.todo = append(l.todo, i)
}
