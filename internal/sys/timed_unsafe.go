package sys

import (
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// FutexWaitFor is FutexWait that gives up after ns nanoseconds with ETIMEDOUT.
func FutexWaitFor(word *atomic.Uint32, val uint32, shared bool, ns int64) syscall.Errno {
	op := uintptr(futexWait | futexPrivate)
	if shared {
		op = futexWait
	}
	ts := syscall.Timespec{Sec: ns / 1e9, Nsec: ns % 1e9}
	_, _, e := syscall.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), op, uintptr(val),
		uintptr(unsafe.Pointer(&ts)), 0, 0)
	return e
}

// NanosleepOnce is Nanosleep that a signal to the thread cuts short: it returns the nanoseconds
// that are left, 0 when it slept through. The Go runtime's own signals cut it short too; the caller
// knows whether to go on.
func NanosleepOnce(ns int64) (left int64) {
	ts := syscall.Timespec{Sec: ns / 1e9, Nsec: ns % 1e9}
	_, _, e := syscall.Syscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&ts)),
		uintptr(unsafe.Pointer(&ts)), 0)
	if e != syscall.EINTR {
		return 0
	}
	return ts.Nano()
}
