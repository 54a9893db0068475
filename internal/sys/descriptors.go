package sys

import (
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// RoomForFiles is an error, EMFILE or ENFILE, when this process cannot have n descriptors more
// (getrlimit(2), RLIMIT_NOFILE; proc_sys_fs(5), file-max). It opens as many and closes them: a
// count of those that are open would need one to count them with.
func RoomForFiles(n int) error {
	var fds []int
	defer func() {
		for _, fd := range fds {
			RawClose(fd)
		}
	}()
	for len(fds) < n {
		fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
		if err != nil {
			return fmt.Errorf("needs %d descriptors, can have %d: %w", n, len(fds),
				os.NewSyscallError("eventfd2", err))
		}
		fds = append(fds, fd)
	}
	return nil
}

// pollerStarted spares those who call StartPoller again the look for room, which there need not be
// any more.
var pollerStarted atomic.Bool

// StartPoller has the Go runtime open the two descriptors that it keeps for good, an epoll and an
// eventfd. It would do so by itself at the first timer or file, and end the process with a stack
// trace if none were free by then (netpollinit in runtime/netpoll_epoll.go). It is an error if
// there is no room for them; to call it again is fine.
func StartPoller() error {
	if pollerStarted.Load() {
		return nil
	}
	if err := RoomForFiles(2); err != nil {
		return fmt.Errorf("start the Go runtime's poller: %w", err)
	}
	// A timer with a function is given to the runtime at once; one with a channel only when
	// somebody waits for it.
	time.AfterFunc(time.Hour, func() {}).Stop()
	pollerStarted.Store(true)
	return nil
}
