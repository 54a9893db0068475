package fork

import (
	"encoding/binary"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"switchyard/internal/sys"
)

// A doorbell is an eventfd(2) that one thread of the parent waits on, in the kernel, and others
// ring. A ring is kept until it is heard.
type doorbell int

func newDoorbell() (doorbell, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	return doorbell(fd), os.NewSyscallError("eventfd2", err)
}

// ring never blocks.
func (d doorbell) ring() {
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	unix.Write(int(d), one[:])
}

// clear forgets the rings so far.
func (d doorbell) clear() {
	var count [8]byte
	unix.Read(int(d), count[:])
}

// wait waits until the bell has rung, at most so long; a negative time is for ever. It may return
// early.
func (d doorbell) wait(most time.Duration) {
	fds := [1]unix.PollFd{{Fd: int32(d), Events: unix.POLLIN}}
	poll(fds[:], most)
	d.clear()
}

func (d doorbell) close() { unix.Close(int(d)) }

// poll waits for one of fds, at most so long; a negative time is for ever. It may return early, and
// it may say of one that it is ready when it is not. The call is ppoll(2), which every architecture
// has.
func poll(fds []unix.PollFd, most time.Duration) {
	var timeout *unix.Timespec
	if most >= 0 {
		ts := unix.NsecToTimespec(int64(most))
		timeout = &ts
	}
	if _, err := unix.Ppoll(fds, timeout, nil); err == nil || err == unix.EINTR {
		return
	}
	// EINVAL: RLIMIT_NOFILE has been lowered below the number of fds. ENOMEM: no memory for them.
	// Let the caller look at all of them, every few milliseconds.
	const rest = 10 * time.Millisecond
	if most < 0 || most > rest {
		most = rest
	}
	sys.Nanosleep(int64(most))
	for i := range fds {
		fds[i].Revents = fds[i].Events
	}
}
