package sys

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// closeByHand is how many descriptors RawCloseRange closes one by one where the kernel cannot close
// a range: the default of RLIMIT_NOFILE.
const closeByHand = 1024

// RawCloseRange closes the descriptors from first to last, both included (close_range(2), Linux
// 5.9). An older kernel has them closed one by one, up to descriptor 1023. An empty range is fine.
//
//go:nosplit
//go:norace
func RawCloseRange(first, last int) {
	if first > last {
		return
	}
	_, _, e := syscall.RawSyscall(unix.SYS_CLOSE_RANGE, uintptr(first), uintptr(last), 0)
	if e == 0 {
		return
	}
	for fd := first; fd <= last && fd < closeByHand; fd++ {
		RawClose(fd)
	}
}

// RawKeepOnExec clears close-on-exec of a descriptor (fcntl(2), F_SETFD).
//
//go:nosplit
//go:norace
func RawKeepOnExec(fd int) syscall.Errno {
	_, _, e := syscall.RawSyscall(unix.SYS_FCNTL, uintptr(fd), unix.F_SETFD, 0)
	return e
}

// RawFlock locks or unlocks an open file description (flock(2)); how is unix.LOCK_EX, LOCK_UN, …. A
// blocked call returns EINTR when a signal handler ran.
//
//go:nosplit
//go:norace
func RawFlock(fd, how int) syscall.Errno {
	_, _, e := syscall.RawSyscall(unix.SYS_FLOCK, uintptr(fd), uintptr(how), 0)
	return e
}
