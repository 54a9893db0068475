package fork

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/sys"
)

func init() {
	switchyard.Register(switchyard.Model{
		Name: "fork/fd-pass",
		Doc:  "the parent accepts and passes each connection to a free worker process (SCM_RIGHTS)",
		Syscalls: []string{"sendmsg", "recvmsg", "accept4", "ppoll", "clone", "read", "sendto",
			"recvfrom", "close", "waitid", "wait4"},
		Probes:    probes,
		Isolated:  true,
		Pool:      true,
		Available: have,
		New: func(opts switchyard.Options) (switchyard.Server, error) {
			d := design{thread: "sy-accept", slots: opts.PoolWorkers(), run: runFDPass}
			// What poll found ready may be gone again: the parent's accept must not block while
			// workers say that they are free.
			return listen(d, opts, 1, sys.ListenConfig{NonBlock: true})
		},
	})
}

// passer is the parent's side of fork/fd-pass.
//
// It waits in ppoll(2), as UNIX Network Programming does in select, for the listener and the
// workers' sockets together. Which of them it is interested in changes all the time, and ppoll is
// told so with the call itself, where epoll would take a system call for each change; and there are
// few.
type passer struct {
	s       *server
	r       places
	socks   []int  // the parent's end of each worker's socket pair, -1 for none
	busy    []bool // the worker has a connection
	holding int    // a connection nobody has taken yet, or -1
	blocked bool   // accept failed for want of something: leave the listener alone for a while
}

func runFDPass(s *server) error {
	p := &passer{s: s, r: make(places, s.slots), socks: make([]int, s.slots),
		busy: make([]bool, s.slots), holding: -1}
	for i := range p.socks {
		p.socks[i] = -1
	}
	defer p.end()
	s.listening.Store(true)
	serving := false
	for !s.finished() || p.holding >= 0 && !s.killing.Load() {
		list := s.takeDead()
		for _, c := range list {
			p.hangUp(c.slot)
		}
		p.r.died(list)
		next, err := s.startDue(p.r, p.spawn)
		if err != nil {
			return err
		}
		if !serving && s.children.count.Load() > 0 {
			serving = true
			close(s.ready)
		}
		if err := p.turn(next); err != nil {
			return err
		}
	}
	return nil
}

// spawn forks the worker of a slot with a socket pair to it.
func (p *passer) spawn(i int) syscall.Errno {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err.(syscall.Errno)
	}
	defer unix.Close(pair[1])
	p.s.template.fd = pair[1]
	if e := p.s.make(i, (*worker).fdPass); e != 0 {
		unix.Close(pair[0])
		return e
	}
	p.socks[i], p.busy[i] = pair[0], false
	return 0
}

// turn waits for something to do, at most so long, and does it.
func (p *passer) turn(most time.Duration) error {
	s := p.s
	fds := make([]unix.PollFd, 0, len(p.socks)+2)
	fds = append(fds, unix.PollFd{Fd: int32(s.events), Events: unix.POLLIN})
	for i, sock := range p.socks {
		if sock >= 0 && p.busy[i] {
			fds = append(fds, unix.PollFd{Fd: int32(sock), Events: unix.POLLIN})
		}
	}
	listener := -1
	switch free := p.free(); {
	case free < 0: // connections wait in the accept queue
	case p.holding >= 0:
		p.pass(free)
		return nil
	case p.blocked:
		p.blocked = false
		if most < 0 || most > switchyard.Pause {
			most = switchyard.Pause
		}
	default:
		listener = len(fds)
		fds = append(fds, unix.PollFd{Fd: int32(s.listeners[0]), Events: unix.POLLIN})
	}
	poll(fds, most)
	if fds[0].Revents != 0 {
		s.events.clear()
	}
	at := 0
	for i, sock := range p.socks {
		if sock >= 0 && p.busy[i] {
			if at++; fds[at].Revents != 0 {
				p.hear(i)
			}
		}
	}
	if listener < 0 || fds[listener].Revents == 0 || s.finished() {
		return nil
	}
	fd, e := sys.RawAccept(s.listeners[0], unix.SOCK_CLOEXEC)
	if e != 0 {
		switch sys.AcceptMeans(e) {
		case sys.AcceptNone:
			s.counters.EmptyWake.Add(1)
		case sys.AcceptPause:
			s.notePause()
			p.blocked = true
		case sys.AcceptFailed:
			if !s.stopping.Load() {
				return s.acceptFailed(e)
			}
		}
		return nil
	}
	s.paused = false
	s.counters.Accepted.Add(1)
	if s.counters.Active() >= s.opts.MaxConns {
		s.notePause()
	}
	p.holding = fd
	if free := p.free(); free >= 0 {
		p.pass(free)
	}
	return nil
}

// free is the first worker without a connection, or -1. Taking always the first, as the book does,
// lets the first workers do most of the work and keeps their caches warm.
func (p *passer) free() int {
	for i, sock := range p.socks {
		if sock >= 0 && !p.busy[i] {
			return i
		}
	}
	return -1
}

// pass gives the connection in hand to a free worker. It never blocks: a worker gets one and then
// none until it has said that it is free. If the worker is dead the connection is kept for another.
func (p *passer) pass(i int) {
	slot := &p.s.memory.slots[i]
	// Under the lock the reaper cannot find the worker dead, and count the connection as closed
	// with it, before it is known whether it got there.
	p.s.children.mu.Lock()
	slot.open.Store(1)
	e := sys.SendFD(p.socks[i], p.holding)
	if e != 0 {
		slot.open.Store(0)
	}
	p.s.children.mu.Unlock()
	if e != 0 {
		p.hangUp(i)
		return
	}
	p.busy[i] = true
	unix.Close(p.holding)
	p.holding = -1
}

// hear takes the byte with which a worker says that it is free.
func (p *passer) hear(i int) {
	var b [1]byte
	n, e := sys.RawRecvfrom(p.socks[i], b[:], unix.MSG_DONTWAIT)
	switch {
	case n == 1 && e == 0:
		p.busy[i] = false
	case e == unix.EAGAIN || e == unix.EINTR:
	default:
		p.hangUp(i)
	}
}

// hangUp closes the socket to a worker that is dead.
func (p *passer) hangUp(i int) {
	if p.socks[i] >= 0 {
		unix.Close(p.socks[i])
	}
	p.socks[i], p.busy[i] = -1, false
}

// end closes what is left. Workers without a connection see their socket close and end.
func (p *passer) end() {
	if p.holding >= 0 {
		unix.Close(p.holding)
		p.s.counters.Closed.Add(1)
	}
	for i := range p.socks {
		p.hangUp(i)
	}
}

// fdPass forks a worker that receives connections, serves each and says when
// it is free again.
//
//go:nosplit
//go:norace
func (w *worker) fdPass() (int, syscall.Errno) {
	pid, e := sys.Fork()
	if pid == 0 && e == 0 {
		w.begin()
		for {
			fd, e := sys.RawRecvFD(w.fd)
			if e == syscall.EINTR {
				continue // a drain: the socket closes too
			}
			if e != 0 {
				sys.RawExit(0)
			}
			if fd < 0 {
				w.closed() // it was lost on the way
			} else {
				w.serve(fd)
			}
			if len(w.out) == 0 || !send(w.fd, w.out[:1]) {
				sys.RawExit(0)
			}
		}
	}
	return pid, e
}
