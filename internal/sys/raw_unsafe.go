package sys

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// addr is the address of the first byte of p; an empty slice has a non-nil address too, which the
// kernel never reads.
//
//go:nosplit
//go:norace
func addr(p []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(p))) }

// RawRead reads from a descriptor that does not block, or in a forked child from any (read(2)). It
// returns the bytes read; 0 with no error is the end.
//
//go:nosplit
//go:norace
func RawRead(fd int, p []byte) (int, syscall.Errno) {
	n, _, e := syscall.RawSyscall(unix.SYS_READ, uintptr(fd), addr(p), uintptr(len(p)))
	return int(n), e
}

// RawWrite writes to a descriptor that does not block, or in a forked child to any (write(2)). A
// socket whose peer is gone gives EPIPE and, unless it is ignored, SIGPIPE: use RawSend for
// sockets.
//
//go:nosplit
//go:norace
func RawWrite(fd int, p []byte) (int, syscall.Errno) {
	n, _, e := syscall.RawSyscall(unix.SYS_WRITE, uintptr(fd), addr(p), uintptr(len(p)))
	return int(n), e
}

// RawClose closes a descriptor (close(2)). EINTR is not retried: on Linux the descriptor is gone
// either way.
//
//go:nosplit
//go:norace
func RawClose(fd int) syscall.Errno {
	_, _, e := syscall.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0)
	return e
}

// RawShutdown shuts one or both directions of a socket (shutdown(2)); how is unix.SHUT_RD, SHUT_WR
// or SHUT_RDWR.
//
//go:nosplit
//go:norace
func RawShutdown(fd, how int) syscall.Errno {
	_, _, e := syscall.RawSyscall(unix.SYS_SHUTDOWN, uintptr(fd), uintptr(how), 0)
	return e
}

// RawAccept takes a connection from a listener (accept4(2)) with no peer address; flags are
// unix.SOCK_NONBLOCK and SOCK_CLOEXEC. Use it on a listener that does not block, or in a forked
// child.
//
//go:nosplit
//go:norace
func RawAccept(fd, flags int) (int, syscall.Errno) {
	n, _, e := syscall.RawSyscall6(unix.SYS_ACCEPT4, uintptr(fd), 0, 0, uintptr(flags), 0, 0)
	return int(n), e
}

// RawNanosleep blocks the calling task for ns nanoseconds (nanosleep(2)) and goes on sleeping when
// a signal interrupts it. Only for a forked child, or where blocking the processor is the point;
// elsewhere use Nanosleep.
//
//go:nosplit
//go:norace
func RawNanosleep(ns int64) {
	ts := syscall.Timespec{Sec: ns / 1e9, Nsec: ns % 1e9}
	for {
		_, _, e := syscall.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&ts)),
			uintptr(unsafe.Pointer(&ts)), 0)
		if e != syscall.EINTR {
			return
		}
	}
}

// RawExit ends the whole process without running anything of the Go runtime (exit_group(2)).
//
//go:nosplit
//go:norace
func RawExit(code int) {
	for {
		syscall.RawSyscall(unix.SYS_EXIT_GROUP, uintptr(code), 0, 0)
	}
}

// RawSetName names the calling thread (prctl(2), PR_SET_NAME). name must end in a zero byte; the
// kernel keeps the first 15 bytes.
//
//go:nosplit
//go:norace
func RawSetName(name *[16]byte) {
	syscall.RawSyscall6(unix.SYS_PRCTL, unix.PR_SET_NAME, uintptr(unsafe.Pointer(name)), 0, 0, 0, 0)
}

// RawDup3 makes newfd refer to oldfd's open file description (dup3(2)).
//
//go:nosplit
//go:norace
func RawDup3(oldfd, newfd, flags int) syscall.Errno {
	_, _, e := syscall.RawSyscall(unix.SYS_DUP3, uintptr(oldfd), uintptr(newfd), uintptr(flags))
	return e
}
