package load

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"switchyard/internal/sys"
)

// again is a connection that has more to read than its turn allowed.
type again struct {
	i, gen int32
	gone   bool
}

// turn waits for events until wake at the latest, handles them and returns how many they were.
func (l *loop) turn(wake int64) int {
	if len(l.again) > 0 || len(l.todo) > 0 && l.sending {
		wake = l.now
	}
	n := l.wait(wake)
	for i := range n {
		ev := &l.events[i]
		switch k := int(ev.Fd); {
		case k >= len(l.clients):
			l.handleIdler(k-len(l.clients), ev.Events)
		case k >= 0:
			l.handle(ev.Fd, ev.Pad, ev.Events)
		}
	}
	if len(l.again) > 0 {
		l.readAgain()
	}
	return n
}

func (l *loop) readAgain() {
	n := len(l.again)
	for _, a := range l.again[:n] {
		if c := &l.clients[a.i]; c.gen == a.gen && c.state == busy {
			l.receive(a.i, a.gone)
		}
	}
	l.again = l.again[:copy(l.again, l.again[n:])]
}

// wait fills l.events. It looks first and blocks only if there is nothing: under load the look is
// enough, and it does not pass through the Go scheduler. l.lookedAt becomes a time before which the
// events were not ready: that of the last look that did not show them, or of the wake-up.
func (l *loop) wait(wake int64) int {
	n, e := sys.RawEpollPeek(l.epfd, l.events)
	l.now = l.clock()
	l.lookedAt, l.polledAt = l.polledAt, l.now
	if n > 0 && e == 0 {
		return n
	}
	ns := wake - l.now
	if l.sched != nil && l.sending {
		// Close to the time a request is due, polling stands in for sleep. What it burns is
		// counted, so as not to be taken for work.
		if ns -= int64(l.cfg.Spin); ns <= 0 && l.cfg.Spin > 0 {
			l.t.spun += l.now - l.lookedAt
		}
	}
	if ns <= 0 || e != 0 {
		return 0
	}
	n, e = l.block(ns)
	l.now = l.clock()
	l.lookedAt, l.polledAt = l.now, l.now
	if e != 0 {
		if e != unix.EINTR {
			l.broken(os.NewSyscallError("epoll_pwait2", e))
		}
		return 0
	}
	return n
}

func (l *loop) block(ns int64) (int, syscall.Errno) {
	if !l.noPwait2 {
		n, e := sys.EpollPwait2(l.epfd, l.events, ns)
		if e != unix.ENOSYS {
			return n, e
		}
		l.noPwait2 = true
	}
	// Before Linux 5.11: whole milliseconds, and a poll for what is left.
	n, err := unix.EpollWait(l.epfd, l.events, int(ns/1e6))
	if err != nil {
		return 0, errno(err)
	}
	return n, 0
}
