package load

import (
	"fmt"

	"golang.org/x/sys/unix"

	"switchyard/internal/sys"
)

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
