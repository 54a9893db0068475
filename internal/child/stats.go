package child

import (
	"os"

	"golang.org/x/sys/unix"

	"switchyard"
)

// Stats is one line that "serve --stats-fd" answers with.
type Stats struct {
	Address  string       `json:"address"` // where it listens
	Workers  int          `json:"workers"` // made in advance
	Counters CounterStats `json:"counters"`
	// Self is of all threads of the server's own process, ended ones included.
	Self Usage `json:"self"`
	// Children is of child processes that have ended and were waited for.
	Children Usage `json:"children"`
}

// CounterStats are switchyard.Counters at one moment.
type CounterStats struct {
	Accepted  uint64 `json:"accepted"`
	Closed    uint64 `json:"closed"`
	Active    int    `json:"active"`
	Requests  uint64 `json:"requests"`
	Refused   uint64 `json:"refused"`
	Paused    uint64 `json:"paused"`
	EmptyWake uint64 `json:"empty_wake"`
	Crashed   uint64 `json:"crashed"`
	Respawned uint64 `json:"respawned"`
	Forks     uint64 `json:"forks"`
	Threads   uint64 `json:"threads"`
}

// Usage is what getrusage(2) says: CPU time in µs, and switches as the kernel
// counts them (nvcsw, nivcsw).
type Usage struct {
	User        int64 `json:"user_us"`
	System      int64 `json:"system_us"`
	Voluntary   int64 `json:"voluntary"`
	Involuntary int64 `json:"involuntary"`
}

// ReadStats reads the counters of this process's server, and what getrusage(2) says of it.
func ReadStats(c *switchyard.Counters) (s Stats, err error) {
	s.Counters = CounterStats{
		Accepted:  c.Accepted.Load(),
		Closed:    c.Closed.Load(),
		Active:    c.Active(),
		Requests:  c.Requests.Load(),
		Refused:   c.Refused.Load(),
		Paused:    c.Paused.Load(),
		EmptyWake: c.EmptyWake.Load(),
		Crashed:   c.Crashed.Load(),
		Respawned: c.Respawned.Load(),
		Forks:     c.Forks.Load(),
		Threads:   c.Threads.Load(),
	}
	if s.Self, err = readUsage(unix.RUSAGE_SELF); err != nil {
		return s, err
	}
	s.Children, err = readUsage(unix.RUSAGE_CHILDREN)
	return s, err
}

func readUsage(who int) (Usage, error) {
	var r unix.Rusage
	if err := unix.Getrusage(who, &r); err != nil {
		return Usage{}, os.NewSyscallError("getrusage", err)
	}
	return Usage{
		User:        r.Utime.Nano() / 1000,
		System:      r.Stime.Nano() / 1000,
		Voluntary:   r.Nvcsw,
		Involuntary: r.Nivcsw,
	}, nil
}
