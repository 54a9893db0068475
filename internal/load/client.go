package load

import (
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

func (l *loop) established(c *client, at int64) {
	l.t.opened++
	if c.openedAt >= 0 {
		l.t.connect.Record(at - c.openedAt)
	}
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
