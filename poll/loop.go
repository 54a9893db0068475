package poll

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/sys"
)

// A poller is one way to wait for many descriptors: all that differs between the designs that are
// told of readiness. Each descriptor is known by an id, its connection's place in the table or one
// of the two below. The methods are called by one thread.
type poller interface {
	// open makes what the poller needs; close gives it back, also after an open that failed.
	open() error
	close()
	// add waits for fd to be readable. It says why it cannot hold one more.
	add(id int32, fd int) syscall.Errno
	// turn waits for fd, of which it was told by add, to be writable instead of readable, or the
	// other way round.
	turn(id int32, fd int, write bool)
	// remove waits for fd no longer. It is about to be closed.
	remove(id int32, fd int)
	// wait blocks until descriptors are ready or ms milliseconds have passed, -1 being for ever,
	// and returns the ids of those that are. They may be more than is true: nothing depends on an
	// id being ready.
	wait(how sys.Wait, ms int) ([]int32, syscall.Errno)
}

const (
	wakeID   = -1 // the eventfd that interrupts the wait
	listenID = -2
	ids      = 2 // how many ids are below zero
)

// acceptBatch is how many connections a lone loop accepts before it looks at the others again: the
// queue of a busy server is emptied in few wake-ups, and a flood of connections does not starve
// those that are open.
const acceptBatch = 16

// readyLoop is a loop that is told which descriptors are ready.
type readyLoop struct {
	*base
	poller poller
	// accepts is how many connections are accepted for one wake-up.
	accepts int
	// edge is set when the poller tells of changes only: what is readable is read until nothing is
	// left, as it will not be told of again.
	edge bool

	slots   table[slot]
	in, out []byte
	rests   rests
	slow    bool    // a request of the connection being served burned or slept in this turn
	again   []int32 // connections to go on with without being told
	spare   []int32 // again's other buffer
	pace    pace
}

// newReadyLoop is the runner of the designs that are told of readiness.
func newReadyLoop(b *base, p poller, accepts int, edge bool) runner {
	return &readyLoop{base: b, poller: p, accepts: accepts, edge: edge,
		in: make([]byte, switchyard.InSize), out: make([]byte, switchyard.OutSize)}
}

func (l *readyLoop) open() error {
	if err := l.poller.open(); err != nil {
		return err
	}
	if e := l.poller.add(wakeID, l.wake); e != 0 {
		return fmt.Errorf("watch the eventfd: %w", e)
	}
	if e := l.poller.add(listenID, l.listener.fd); e != 0 {
		return fmt.Errorf("watch the listener: %w", e)
	}
	return nil
}

func (l *readyLoop) close() { l.poller.close() }

func (l *readyLoop) run() error {
	defer l.closeAll()
	for {
		how, ns := l.pace.of(l.timeout())
		ready, e := l.poller.wait(how, milliseconds(ns))
		if e != 0 && e != syscall.EINTR {
			return os.NewSyscallError("wait", e)
		}
		l.pace.came(how, len(ready), e)
		for _, id := range ready {
			if l.cut() {
				break
			}
			switch id {
			case wakeID:
				l.clearWake()
			case listenID:
				l.accept()
			default:
				l.serve(id)
			}
		}
		if len(l.again) > 0 {
			turn := l.again
			l.again = l.spare[:0]
			for _, id := range turn {
				if l.cut() {
					break
				}
				if s := l.slots.at(id); s.flags&flagAgain != 0 {
					s.flags &^= flagAgain
					l.serve(id)
				}
			}
			l.spare = turn
		}
		if l.failure != nil {
			return l.failure
		}
		if !l.endTurn(l) {
			return nil
		}
	}
}

// timeout is base's, but for connections to go on with at once.
func (l *readyLoop) timeout() int64 {
	if len(l.again) > 0 {
		return 0
	}
	return l.base.timeout()
}

// milliseconds rounds up; less than zero stays so.
func milliseconds(ns int64) int {
	if ns < 0 {
		return -1
	}
	return int((ns + 999_999) / 1_000_000)
}

func (l *readyLoop) expire(id int32, serial uint32) {
	if s := l.slots.at(id); s.serial == serial && s.flags&flagOpen != 0 {
		l.closeConn(id, s)
	}
}

func (l *readyLoop) drain() {
	for id := range l.slots.top {
		if s := l.slots.at(id); s.flags&flagOpen != 0 && !l.cut() {
			// What has arrived by now is a request begun; serve closes the connection if there is
			// none.
			l.serve(id)
		}
	}
}

// accept takes connections because the poller told of some.
func (l *readyLoop) accept() {
	if l.listener != nil && !l.paused { // told of it before it was given up
		l.take()
	}
}

// take takes the connections that wait, at most l.accepts. It returns false when a limit was
// reached.
func (l *readyLoop) take() bool {
	for n := range l.accepts {
		if !l.srv.reserve() {
			l.pause()
			return false
		}
		fd, e := sys.RawAccept(l.listener.fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if e == 0 {
			l.begin(fd)
			continue
		}
		l.srv.unreserve()
		switch sys.AcceptMeans(e) {
		case sys.AcceptNone:
			if n == 0 && !l.paused {
				l.count.EmptyWake.Add(1)
			}
			return true
		case sys.AcceptPause:
			l.pause()
			return false
		case sys.AcceptFailed:
			l.acceptFailed(e)
			return false
		}
	}
	return true
}

// begin serves the connection fd from now on. A place for it is reserved.
func (l *readyLoop) begin(fd int) {
	l.count.Accepted.Add(1)
	l.due--
	id := l.slots.take()
	if e := l.poller.add(id, fd); e != 0 {
		sys.RawClose(fd)
		l.slots.give(id)
		l.count.Refused.Add(1)
		l.count.Closed.Add(1)
		l.srv.unreserve()
		return
	}
	s := l.slots.at(id)
	*s = slot{fd: int32(fd), flags: flagOpen, serial: s.serial + 1}
	l.live++
	if l.drains {
		l.queue(id, s) // if nothing has arrived, it is closed
	}
}

// closeConn closes a connection and forgets it.
func (l *readyLoop) closeConn(id int32, s *slot) {
	l.poller.remove(id, int(s.fd))
	sys.RawClose(int(s.fd))
	if s.rest != 0 {
		l.rests.give(s.rest)
		s.rest = 0
	}
	s.flags = 0
	l.live--
	l.count.Requests.Add(s.conn.Requests())
	l.count.Closed.Add(1)
	l.slots.give(id)
	l.srv.unreserve()
	if l.paused {
		l.resume()
	}
}

func (l *readyLoop) closeAll() {
	l.unlisten()
	for id := range l.slots.top {
		if s := l.slots.at(id); s.flags&flagOpen != 0 {
			l.closeConn(id, s)
		}
	}
}

// pause accepts no more for a while: a limit on connections, descriptors or memory is reached, and
// the listener, still ready, would end every wait at once.
func (l *readyLoop) pause() {
	l.resumeAt = l.srv.now() + int64(switchyard.Pause)
	if !l.paused {
		l.paused = true
		l.count.Paused.Add(1)
		l.poller.remove(listenID, l.listener.fd)
	}
}

// resume ends a pause, unless its reason stands: it is the same pause then.
func (l *readyLoop) resume() {
	l.resumeAt = l.srv.now() + int64(switchyard.Pause)
	if !l.srv.full() && l.take() && l.poller.add(listenID, l.listener.fd) == 0 {
		l.paused = false
	}
}

// unlisten accepts no more at all.
func (l *readyLoop) unlisten() {
	if l.listener == nil {
		return
	}
	if !l.paused {
		l.poller.remove(listenID, l.listener.fd)
	}
	l.paused = false
	l.stopAccepting()
}
