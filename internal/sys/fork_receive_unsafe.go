package sys

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// RawRecvTimeout bounds how long a blocking receive on a socket waits, in nanoseconds, at least a
// microsecond; it then fails with EAGAIN (socket(7), SO_RCVTIMEO).
//
//go:nosplit
//go:norace
func RawRecvTimeout(fd int, ns int64) syscall.Errno {
	tv := syscall.Timeval{Sec: ns / 1e9, Usec: max(ns%1e9/1e3, 1)}
	_, _, e := syscall.RawSyscall6(unix.SYS_SETSOCKOPT, uintptr(fd), unix.SOL_SOCKET,
		unix.SO_RCVTIMEO,
		uintptr(unsafe.Pointer(&tv)), unsafe.Sizeof(tv), 0)
	return e
}

// RawMonotonic is the monotonic clock in nanoseconds (clock_gettime(2)), through the kernel: a
// forked child has no other way.
//
//go:nosplit
//go:norace
func RawMonotonic() int64 {
	var ts syscall.Timespec
	syscall.RawSyscall(unix.SYS_CLOCK_GETTIME, unix.CLOCK_MONOTONIC,
		uintptr(unsafe.Pointer(&ts)), 0)
	return ts.Sec*1e9 + ts.Nsec
}

// ReadOnce blocks in read(2) and, unlike Read, returns EINTR: the caller wants to know that it was
// interrupted.
func ReadOnce(fd int, p []byte) (int, syscall.Errno) {
	n, _, e := syscall.Syscall(unix.SYS_READ, uintptr(fd), addr(p), uintptr(len(p)))
	return int(n), e
}

// Sendto blocks in sendto(2), with no address, until the kernel has taken some of p. With
// unix.MSG_NOSIGNAL a peer that is gone gives EPIPE and no signal, on every descriptor. EINTR is
// retried.
func Sendto(fd int, p []byte, flags int) (int, syscall.Errno) {
	for {
		n, _, e := syscall.Syscall6(unix.SYS_SENDTO, uintptr(fd), addr(p), uintptr(len(p)),
			uintptr(flags), 0, 0)
		if e != syscall.EINTR {
			return int(n), e
		}
	}
}
