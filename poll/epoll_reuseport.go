package poll

import (
	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/sys"
)

// Every loop has a listener of its own on the same address (SO_REUSEPORT, Linux 3.9), and the
// kernel picks one for each connection by a hash of its addresses and ports (socket(7)). The loops
// share nothing. The counts even out; a connection given to a loop that is busy waits for it,
// though another be idle.
func init() {
	d := design{
		name:      "poll/epoll-reuseport",
		loops:     switchyard.Options.LoopWorkers,
		reusePort: true,
		runner: func(b *base) runner {
			return newReadyLoop(b, &epolling{listen: unix.EPOLLIN, read: unix.EPOLLIN,
				write: unix.EPOLLOUT}, acceptBatch, false)
		},
	}
	switchyard.Register(switchyard.Model{
		Name:      d.name,
		Doc:       "one loop per CPU waiting with " + sys.EpollWaitName + ", each with a listener of its own (SO_REUSEPORT)",
		Syscalls:  []string{sys.EpollWaitName, "epoll_ctl", "accept4", "read", "sendto", "close"},
		Probes:    probes,
		ReusePort: true,
		Workers:   d.loops,
		New:       func(o switchyard.Options) (switchyard.Server, error) { return newServer(d, o) },
	})
}
