package main

import (
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/sys"
)

// stats is one line that "serve --stats-fd" answers with.
type stats struct {
	Workers  int          `json:"workers"` // made in advance
	Counters counterStats `json:"counters"`
	Self     usage        `json:"self"`     // all threads of the server's own process, ended ones included
	Children usage        `json:"children"` // child processes that have ended and were waited for
}

// counterStats are switchyard.Counters at one moment.
type counterStats struct {
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

// usage is what getrusage(2) says: CPU time in µs, and switches as the kernel
// counts them (nvcsw, nivcsw).
type usage struct {
	User        int64 `json:"user_us"`
	System      int64 `json:"system_us"`
	Voluntary   int64 `json:"voluntary"`
	Involuntary int64 `json:"involuntary"`
}

func readStats(c *switchyard.Counters) (s stats, err error) {
	s.Counters = counterStats{
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

func readUsage(who int) (usage, error) {
	var r unix.Rusage
	if err := unix.Getrusage(who, &r); err != nil {
		return usage{}, os.NewSyscallError("getrusage", err)
	}
	return usage{
		User:        r.Utime.Nano() / 1000,
		System:      r.Stime.Nano() / 1000,
		Voluntary:   r.Nvcsw,
		Involuntary: r.Nivcsw,
	}, nil
}

// answerStats writes one JSON line to fd, a stream socket, for every byte read
// from it, until the other end closes it, when it closes gone, or stop is called.
// It takes fd over; stop closes it. As long as it does that the process dies with
// parent, if that is not 0.
//
// It waits in poll(2) on a thread of its own and not on the runtime's poller,
// so that a server under test is not given a netpoller it would not have.
func answerStats(fd int, c *switchyard.Counters, workers, parent int, gone chan<- struct{}) (stop func(), err error) {
	if err := unix.SetNonblock(fd, false); err != nil {
		return nil, fmt.Errorf("stats-fd %d: %w", fd, os.NewSyscallError("fcntl", err))
	}
	end, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("eventfd", err)
	}
	done := sys.Thread("sy-stats", func() {
		dieWith(parent)
		questions := make([]byte, 64)
		for {
			ready := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}, {Fd: int32(end), Events: unix.POLLIN}}
			switch _, err := unix.Poll(ready, -1); {
			case err == unix.EINTR:
				continue
			case err != nil: // RLIMIT_NOFILE was lowered to less than two
				sys.Nanosleep(10_000_000)
				continue
			case ready[1].Revents != 0:
				return
			}
			n, e := sys.Read(fd, questions)
			if n <= 0 || e != 0 || answer(fd, c, workers, n) != nil {
				close(gone)
				return
			}
		}
	})
	return func() {
		one := [8]byte{1}
		sys.Write(end, one[:])
		// It may be in the middle of an answer that nobody reads.
		sys.RawShutdown(fd, unix.SHUT_RDWR)
		<-done
		sys.Close(fd)
		sys.Close(end)
	}, nil
}

// answer writes n lines.
func answer(fd int, c *switchyard.Counters, workers, n int) error {
	for range n {
		s, err := readStats(c)
		if err != nil {
			return err
		}
		s.Workers = workers
		line, err := json.Marshal(s)
		if err != nil {
			return err
		}
		for line = append(line, '\n'); len(line) > 0; {
			n, e := sys.Write(fd, line)
			if e != 0 {
				return e
			}
			line = line[n:]
		}
	}
	return nil
}
