package sys

import (
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Futex operations of linux/futex.h; x/sys does not define them.
const (
	futexWait    = 0
	futexWake    = 1
	futexPrivate = 128
)

// FutexWait blocks the calling thread in the kernel while *word is val (futex(2), FUTEX_WAIT). It
// returns EAGAIN when *word had already changed and may return without a reason. shared tells
// whether other processes use the word too.
func FutexWait(word *atomic.Uint32, val uint32, shared bool) syscall.Errno {
	op := uintptr(futexWait | futexPrivate)
	if shared {
		op = futexWait
	}
	_, _, e := syscall.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), op, uintptr(val),
		0, 0, 0)
	return e
}

// FutexWake wakes at most n tasks that wait on word (futex(2), FUTEX_WAKE).
func FutexWake(word *atomic.Uint32, n int, shared bool) {
	op := uintptr(futexWake | futexPrivate)
	if shared {
		op = futexWake
	}
	syscall.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), op, uintptr(n), 0, 0, 0)
}

// RawFutexWait is FutexWait for a forked child.
//
//go:nosplit
//go:norace
func RawFutexWait(word *uint32, val uint32) syscall.Errno {
	_, _, e := syscall.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWait,
		uintptr(val), 0, 0, 0)
	return e
}

// RawFutexWake is FutexWake for a forked child; the word is shared.
//
//go:nosplit
//go:norace
func RawFutexWake(word *uint32, n int) {
	syscall.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWake, uintptr(n),
		0, 0, 0)
}
