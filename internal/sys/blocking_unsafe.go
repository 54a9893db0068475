package sys

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Read blocks in read(2). EINTR is retried, as the Go runtime's own signals (preemption) would
// otherwise show.
func Read(fd int, p []byte) (int, syscall.Errno) {
	for {
		n, _, e := syscall.Syscall(unix.SYS_READ, uintptr(fd), addr(p), uintptr(len(p)))
		if e != syscall.EINTR {
			return int(n), e
		}
	}
}

// Write blocks in write(2) until the kernel has taken some of p. SIGPIPE is turned into EPIPE by
// the Go runtime for every descriptor above 2.
func Write(fd int, p []byte) (int, syscall.Errno) {
	for {
		n, _, e := syscall.Syscall(unix.SYS_WRITE, uintptr(fd), addr(p), uintptr(len(p)))
		if e != syscall.EINTR {
			return int(n), e
		}
	}
}

// Accept blocks in accept4(2) and returns a connection that blocks and closes on exec, or an error
// that does not mean AcceptNext.
func Accept(fd int) (int, syscall.Errno) {
	for {
		n, _, e := syscall.Syscall6(unix.SYS_ACCEPT4, uintptr(fd), 0, 0, unix.SOCK_CLOEXEC, 0, 0)
		if e == 0 || AcceptMeans(e) != AcceptNext {
			return int(n), e
		}
	}
}

// Nanosleep blocks the calling thread in the kernel for ns nanoseconds (nanosleep(2)), as a call to
// a database would.
func Nanosleep(ns int64) {
	ts := syscall.Timespec{Sec: ns / 1e9, Nsec: ns % 1e9}
	for {
		_, _, e := syscall.Syscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&ts)),
			uintptr(unsafe.Pointer(&ts)), 0)
		if e != syscall.EINTR {
			return
		}
	}
}
