package load

import (
	"bytes"
	"fmt"

	"golang.org/x/sys/unix"

	"switchyard/internal/sys"
)

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
