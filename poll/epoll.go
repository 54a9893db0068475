package poll

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/sys"
)

// probes are the trace probes that every design here is read with.
var probes = []string{"sched", "task", "syscall"}

func init() {
	d := design{name: "poll/epoll", runner: func(b *base) runner {
		return newReadyLoop(b, &epolling{listen: unix.EPOLLIN, read: unix.EPOLLIN,
			write: unix.EPOLLOUT}, acceptBatch, false)
	}}
	switchyard.Register(switchyard.Model{
		Name: d.name,
		Doc: "one loop that waits with " + sys.EpollWaitName +
			", level-triggered: the kernel keeps the list and returns what is ready",
		Syscalls: []string{sys.EpollWaitName, "epoll_ctl", "accept4", "read", "sendto", "close"},
		Probes:   probes,
		New:      func(o switchyard.Options) (switchyard.Server, error) { return newServer(d, o) },
	})
}

// epolling waits with epoll_wait(2). The kernel keeps the list of whom to wait for, a change of it
// is a system call, and a wait costs what is ready, however many connections are open.
//
// A descriptor leaves the list when it is closed (epoll(7), Q6), so removing a connection costs no
// call.
type epolling struct {
	listen      uint32 // events asked for of the listener
	read, write uint32 // of a connection, depending on what it waits for
	fd          int
	events      []unix.EpollEvent
	ready       []int32
}

// epollBatch is how many events one wait returns at most. The kernel gives those that are left
// their turn in the next.
const epollBatch = 256

func (p *epolling) open() error {
	p.events = make([]unix.EpollEvent, epollBatch)
	p.ready = make([]int32, epollBatch)
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		p.fd = -1
		return os.NewSyscallError("epoll_create1", err)
	}
	p.fd = fd
	return nil
}

func (p *epolling) close() {
	if p.fd >= 0 {
		sys.RawClose(p.fd)
	}
}

func (p *epolling) add(id int32, fd int) syscall.Errno {
	events := p.read
	if id == listenID {
		events = p.listen
	}
	return sys.RawEpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: id})
}

func (p *epolling) turn(id int32, fd int, write bool) {
	events := p.read
	if write {
		events = p.write
	}
	sys.RawEpollCtl(p.fd, unix.EPOLL_CTL_MOD, fd, &unix.EpollEvent{Events: events, Fd: id})
}

func (p *epolling) remove(id int32, fd int) {
	if id < 0 {
		sys.RawEpollCtl(p.fd, unix.EPOLL_CTL_DEL, fd, nil)
	}
}

func (p *epolling) wait(how sys.Wait, ms int) ([]int32, syscall.Errno) {
	n, e := sys.EpollWait(how, p.fd, p.events, ms)
	if e != 0 {
		return nil, e
	}
	ready := p.ready[:n]
	for i := range ready {
		ready[i] = p.events[i].Fd
	}
	return ready, 0
}
