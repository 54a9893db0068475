package poll

import (
	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/sys"
)

// Several loops, each with an epoll of its own, wait for one listener. Without EPOLLEXCLUSIVE
// (Linux 4.5) a connection wakes all of them and one gets it; with it the kernel wakes at least
// one, usually the one that began to wait last, so an idle server's connections gather on few
// loops. A loop that was woken and found nothing counts in Counters.EmptyWake.
//
// A loop accepts one connection each time it is woken: were it to empty the queue, the loops that
// are idle would get none of a burst.
func init() {
	d := design{
		name:  "poll/epoll-exclusive",
		loops: switchyard.Options.LoopWorkers,
		runner: func(b *base) runner {
			return newReadyLoop(b, &epolling{
				listen: unix.EPOLLIN | unix.EPOLLEXCLUSIVE, read: unix.EPOLLIN,
				write: unix.EPOLLOUT}, 1, false)
		},
	}
	switchyard.Register(switchyard.Model{
		Name: d.name,
		Doc: "several loops on one listener, each waiting with " + sys.EpollWaitName +
			"; EPOLLEXCLUSIVE wakes one for a connection",
		Syscalls: []string{sys.EpollWaitName, "epoll_ctl", "accept4", "read", "sendto", "close"},
		Probes:   probes,
		Workers:  d.loops,
		New:      func(o switchyard.Options) (switchyard.Server, error) { return newServer(d, o) },
	})
}
