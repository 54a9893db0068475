//go:build !amd64

package sys

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// PollName is the kernel's name of the system call behind Poll: the younger architectures have no
// poll.
const PollName = "ppoll"

// Poll blocks until one of fds is ready or ms milliseconds have passed; -1 waits for ever
// (ppoll(2), with no signal mask). The result is how many entries have Revents set. More entries
// than RLIMIT_NOFILE fail with EINVAL. EINTR is returned.
// For how, see Wait.
func Poll(how Wait, fds []unix.PollFd, ms int) (int, syscall.Errno) {
	var limit *syscall.Timespec
	if ms >= 0 {
		ts := syscall.NsecToTimespec(int64(ms) * 1e6)
		limit = &ts
	}
	if how == Hold {
		n, _, e := syscall.RawSyscall6(unix.SYS_PPOLL,
			uintptr(unsafe.Pointer(unsafe.SliceData(fds))), uintptr(len(fds)),
			uintptr(unsafe.Pointer(limit)), 0, 0, 0)
		return int(n), e
	}
	n, _, e := syscall.Syscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(unsafe.SliceData(fds))),
		uintptr(len(fds)),
		uintptr(unsafe.Pointer(limit)), 0, 0, 0)
	return int(n), e
}
