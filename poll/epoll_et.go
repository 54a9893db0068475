package poll

import (
	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/sys"
)

// An edge-triggered epoll tells of a change once. A connection is added once, for both directions,
// and epoll_ctl is never needed again; in return every read goes on until EAGAIN, one read more for
// each request, because what is left unread is never told of again.
//
// epoll(7) allows to take a short read for the end. It saves that read, but then a FIN that had
// arrived behind the data goes unseen, unless EPOLLRDHUP is asked for and looked at. This is the
// design as the manual page has it first.
//
// The listener is level-triggered, so that accepting can stop after a batch.
func init() {
	const events = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET
	d := design{name: "poll/epoll-et", runner: func(b *base) runner {
		return newReadyLoop(b, &epolling{listen: unix.EPOLLIN, read: events}, acceptBatch, true)
	}}
	switchyard.Register(switchyard.Model{
		Name: d.name,
		Doc: "one loop that waits with " + sys.EpollWaitName +
			", edge-triggered: told of changes only, it reads until EAGAIN",
		Syscalls: []string{sys.EpollWaitName, "epoll_ctl", "accept4", "read", "sendto", "close"},
		Probes:   probes,
		New:      func(o switchyard.Options) (switchyard.Server, error) { return newServer(d, o) },
	})
}
