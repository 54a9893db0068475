package poll

import (
	"syscall"

	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/sys"
)

func init() {
	d := design{name: "poll/poll", runner: func(b *base) runner {
		return newReadyLoop(b, &polling{}, acceptBatch, false)
	}}
	switchyard.Register(switchyard.Model{
		Name: d.name,
		Doc: "one loop that waits with " + sys.PollName +
			": a list of all descriptors handed over with each call",
		Syscalls: []string{sys.PollName, "accept4", "read", "sendto", "close"},
		Probes:   probes,
		New:      func(o switchyard.Options) (switchyard.Server, error) { return newServer(d, o) },
	})
}

// polling waits with poll(2). The list of whom to wait for is handed over with each call, and the
// kernel asks every descriptor on it: like select without its limit, eight bytes for each
// connection instead of up to two bits. The list has no holes: what leaves it is replaced by its
// last entry.
type polling struct {
	list  []unix.PollFd
	ids   []int32 // of the entries of list
	place []int32 // in list, by id
	ready []int32
}

func (p *polling) open() error { return nil }

func (p *polling) close() {}

func (p *polling) add(id int32, fd int) syscall.Errno {
	for int(id)+ids >= len(p.place) {
		p.place = append(p.place, 0)
	}
	p.place[id+ids] = int32(len(p.list))
	p.list = append(p.list, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	p.ids = append(p.ids, id)
	return 0
}

func (p *polling) turn(id int32, _ int, write bool) {
	// POLLERR and POLLHUP are always told of.
	entry := &p.list[p.place[id+ids]]
	entry.Events = unix.POLLIN
	if write {
		entry.Events = unix.POLLOUT
	}
}

func (p *polling) remove(id int32, _ int) {
	at, last := p.place[id+ids], len(p.list)-1
	p.list[at], p.ids[at] = p.list[last], p.ids[last]
	p.place[p.ids[at]+ids] = at
	p.list, p.ids = p.list[:last], p.ids[:last]
}

func (p *polling) wait(how sys.Wait, ms int) ([]int32, syscall.Errno) {
	n, e := sys.Poll(how, p.list, ms)
	switch e {
	case 0:
	case syscall.EINVAL:
		return p.blind(ms), 0
	default:
		return nil, e
	}
	ready := p.ready[:0]
	for i := 0; len(ready) < n; i++ {
		if p.list[i].Revents != 0 {
			ready = append(ready, p.ids[i])
		}
	}
	p.ready = ready
	return ready, 0
}

// blind is wait where poll(2) takes no list that long: RLIMIT_NOFILE has been lowered below the
// number of descriptors that are open. It has all of them looked at, every few milliseconds.
func (p *polling) blind(ms int) []int32 {
	const rest = 10
	if ms < 0 || ms > rest {
		ms = rest
	}
	sys.Nanosleep(int64(ms) * 1_000_000)
	p.ready = append(p.ready[:0], p.ids...)
	return p.ready
}
