package child

import (
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"switchyard/internal/sys"
)

// Answer writes a line to fd, an inherited stream socket, for every byte read from it: what stats
// then returns. It does so until the other end closes the socket, when it closes gone, or until
// stop is called. It takes fd over; stop closes it. As long as it does that the process dies with
// parent, if that is not 0.
//
// It waits in poll(2) on a thread of its own and not on the runtime's poller, so that a server
// under test is not given a netpoller it would not have.
func Answer(fd, parent int, stats func() (Stats, error),
	gone chan<- struct{}) (stop func(), err error) {
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
			ready := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN},
				{Fd: int32(end), Events: unix.POLLIN}}
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
			if n <= 0 || e != 0 || answer(fd, n, stats) != nil {
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
func answer(fd, n int, stats func() (Stats, error)) error {
	for range n {
		s, err := stats()
		if err != nil {
			return err
		}
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
