package load

import (
	"fmt"

	"golang.org/x/sys/unix"

	"switchyard/internal/sys"
)

// An idler is one connection of the ballast.
type idler struct {
	fd    int32
	state idlerState
}

type idlerState uint8

const (
	idlerNone idlerState = iota
	idlerOpening
	idlerOpen
	idlerFailed
	idlerClosed // by the server
)

func (l *loop) openIdler(i int) {
	d := &l.idlers[i]
	if d.state != idlerNone {
		return
	}
	fd, e := l.dial.open()
	if e != 0 {
		l.idlerFailed(i, connectKind(e))
		return
	}
	d.fd, d.state = int32(fd), idlerOpening
	l.opening++
	l.watchIdler(i)
}

func (l *loop) watchIdler(i int) {
	ev := unix.EpollEvent{Events: watchOut, Fd: int32(len(l.clients) + i)}
	if err := unix.EpollCtl(l.epfd, unix.EPOLL_CTL_ADD, int(l.idlers[i].fd), &ev); err != nil {
		l.broken(fmt.Errorf("watch an idle connection: %w", err))
	}
}

func (l *loop) idlerFailed(i int, k kindID) {
	d := &l.idlers[i]
	if d.fd >= 0 {
		sys.RawClose(int(d.fd))
		d.fd = -1
	}
	if d.state == idlerOpening {
		l.opening--
	}
	d.state = idlerFailed
	l.t.errs[k]++
}

func (l *loop) handleIdler(i int, ev uint32) {
	d := &l.idlers[i]
	switch d.state {
	case idlerOpening:
		if ev&(unix.EPOLLOUT|unix.EPOLLHUP|unix.EPOLLERR) == 0 {
			return
		}
		if e := socketError(int(d.fd)); e != 0 {
			l.idlerFailed(i, connectKind(e))
			return
		}
		l.opening--
		d.state = idlerOpen
	case idlerOpen:
	default:
		return
	}
	if ev&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		sys.RawClose(int(d.fd))
		d.fd, d.state = -1, idlerClosed
		l.t.idleClosed++
	}
}

// idle counts the ballast.
func (l *loop) idle() (open, failed, closedByServer int) {
	for _, d := range l.idlers {
		switch d.state {
		case idlerOpen:
			open++
		case idlerClosed:
			closedByServer++
		default:
			failed++
		}
	}
	return open, failed, closedByServer
}
