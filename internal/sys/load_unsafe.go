package sys

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// RawSendto sends to a connected socket that does not block (sendto(2), with no address). flags are
// unix.MSG_…; MSG_NOSIGNAL turns SIGPIPE into EPIPE.
//
//go:nosplit
//go:norace
func RawSendto(fd int, p []byte, flags int) (int, syscall.Errno) {
	n, _, e := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), addr(p), uintptr(len(p)),
		uintptr(flags), 0, 0)
	return int(n), e
}

// RawRecvfrom receives from a connected socket that does not block (recvfrom(2), with no address);
// 0 with no error is the end.
//
//go:nosplit
//go:norace
func RawRecvfrom(fd int, p []byte, flags int) (int, syscall.Errno) {
	n, _, e := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), addr(p), uintptr(len(p)),
		uintptr(flags), 0, 0)
	return int(n), e
}

// RawEpollPeek takes the events that are ready now and never blocks (epoll_pwait(2) with a timeout
// of zero).
func RawEpollPeek(epfd int, events []unix.EpollEvent) (int, syscall.Errno) {
	n, _, e := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(epfd),
		uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)), 0, 0, 0)
	return int(n), e
}

// EpollPwait2 blocks until an event is ready or ns nanoseconds have passed (epoll_pwait2(2), Linux
// 5.11; older kernels give ENOSYS). EINTR is returned: the caller knows how much of its time is
// left.
func EpollPwait2(epfd int, events []unix.EpollEvent, ns int64) (int, syscall.Errno) {
	ts := syscall.Timespec{Sec: ns / 1e9, Nsec: ns % 1e9}
	n, _, e := syscall.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(epfd),
		uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)),
		uintptr(unsafe.Pointer(&ts)), 0, 0)
	return int(n), e
}
