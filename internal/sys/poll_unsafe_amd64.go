package sys

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// PollName is the kernel's name of the system call behind Poll.
const PollName = "poll"

// Poll blocks until one of fds is ready or ms milliseconds have passed; -1 waits for ever
// (poll(2)). The result is how many entries have Revents set. More entries than RLIMIT_NOFILE fail
// with EINVAL. EINTR is returned. For how, see Wait.
func Poll(how Wait, fds []unix.PollFd, ms int) (int, syscall.Errno) {
	if how == Hold {
		n, _, e := syscall.RawSyscall6(unix.SYS_POLL,
			uintptr(unsafe.Pointer(unsafe.SliceData(fds))), uintptr(len(fds)), uintptr(ms), 0, 0, 0)
		return int(n), e
	}
	n, _, e := syscall.Syscall6(unix.SYS_POLL, uintptr(unsafe.Pointer(unsafe.SliceData(fds))),
		uintptr(len(fds)), uintptr(ms), 0, 0, 0)
	return int(n), e
}
