package sys

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Written in assembly: the addresses of a handler that does nothing and of the trampoline that
// returns from it.
func interruptHandler() uintptr
func interruptRestorer() uintptr

// InterruptSignal is the signal a parent sends to a forked child to make a system call it blocks in
// return EINTR.
const InterruptSignal = unix.SIGUSR1

const (
	saOnStack  = 0x08000000
	saRestorer = 0x04000000
)

// RawInterruptible makes InterruptSignal interrupt system calls of a forked child instead of
// killing it: a handler that does nothing, without SA_RESTART (sigaction(2)). It runs on the
// alternate signal stack that the thread had from the Go runtime.
//
//go:nosplit
//go:norace
func RawInterruptible() {
	act := kernelSigaction{handler: interruptHandler(), flags: saOnStack | saRestorer,
		restorer: interruptRestorer()}
	syscall.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(InterruptSignal),
		uintptr(unsafe.Pointer(&act)), 0, 8, 0, 0)
}

// RawDieWithParent has the kernel kill the calling process when the thread that forked it ends
// (prctl(2), PR_SET_PDEATHSIG), so that a parent that was killed leaves no child behind. parent is
// the PID the caller expects; the call leaves at once if that one is gone already.
//
//go:nosplit
//go:norace
func RawDieWithParent(parent int) {
	syscall.RawSyscall6(unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0, 0)
	pid, _, _ := syscall.RawSyscall(unix.SYS_GETPPID, 0, 0, 0)
	if int(pid) != parent {
		RawExit(0)
	}
}

// RawUnblockInterrupt lets the calling thread take InterruptSignal (rt_sigprocmask(2)). Call
// RawInterruptible first: its default is death.
//
//go:nosplit
//go:norace
func RawUnblockInterrupt() {
	mask := uint64(1) << (uint(InterruptSignal) - 1)
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_UNBLOCK, uintptr(unsafe.Pointer(&mask)),
		0, 8, 0, 0)
}
