package switchyard

import (
	"sync/atomic"

	"switchyard/internal/sys"
)

// Counters are what a server counts of itself. They live in memory that forked children share with
// their parent, so that a worker process adds to the same ones. Read them at any time.
type Counters struct {
	Accepted  atomic.Uint64 // connections accepted
	Closed    atomic.Uint64 // connections closed again, for whatever reason
	Requests  atomic.Uint64 // requests (echo: reads) answered, added when their connection closes
	Refused   atomic.Uint64 // connections closed unserved: the design cannot hold them (FD_SETSIZE)
	Paused    atomic.Uint64 // times accepting paused at a limit of connections, tasks, descriptors
	EmptyWake atomic.Uint64 // times a worker woke for a connection that another had taken
	Crashed   atomic.Uint64 // workers that died of a signal
	Respawned atomic.Uint64 // workers started in the place of one that died
	Forks     atomic.Uint64 // processes made
	Threads   atomic.Uint64 // threads made for connections or as workers
}

// Active is the number of connections open now.
func (c *Counters) Active() int { return int(c.Accepted.Load() - c.Closed.Load()) }

// NewCounters makes a set of counters in shared memory. The second result gives the memory back; no
// server may count into it any more.
func NewCounters() (*Counters, func() error, error) { return sys.SharedNew[Counters]() }
