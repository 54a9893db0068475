package sys

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ForkMuted is Fork for a child that never becomes another program: the child
// starts with every signal blocked and the parent's handlers in place, where
// Fork sets about sixty handlers back to their defaults, one system call each.
// Blocked handlers never run, and the kernel gives a fault whose signal is
// blocked its default action, death by that signal (force_sig in
// kernel/signal.c). An interrupt from the terminal or a SIGTERM to the whole
// control group leaves such a child alone: its parent decides when it ends.
//
// The rest is as for Fork: the caller must be nosplit from the call on, the
// child may run only nosplit code that uses raw system calls, and EAGAIN and
// ENOMEM are the limits.
//
//go:nosplit
//go:norace
func ForkMuted() (int, syscall.Errno) {
	runtimeBeforeFork()
	pid, _, e := syscall.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if e != 0 || pid != 0 {
		runtimeAfterFork()
		return int(pid), e
	}
	return 0, 0
}

// RawUnblockInterrupt lets the calling thread take InterruptSignal
// (rt_sigprocmask(2)). Call RawInterruptible first: its default is death.
//
//go:nosplit
//go:norace
func RawUnblockInterrupt() {
	mask := uint64(1) << (uint(InterruptSignal) - 1)
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_UNBLOCK, uintptr(unsafe.Pointer(&mask)), 0, 8, 0, 0)
}
