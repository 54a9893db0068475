package sys

import (
	"syscall"
	_ "unsafe" // for go:linkname

	"golang.org/x/sys/unix"
)

// The Go runtime's own bracket around a fork, kept stable for gVisor (go.dev/issue/67401). Between
// the two every signal is blocked and any growth of the stack ends the process. The runtime's third
// hook, for the child, is not called: see Fork.

//go:linkname runtimeBeforeFork syscall.runtime_BeforeFork
func runtimeBeforeFork()

//go:linkname runtimeAfterFork syscall.runtime_AfterFork
func runtimeAfterFork()

// Fork makes a copy-on-write copy of the calling process (fork(2), as clone(2) with SIGCHLD) and
// returns twice: 0 in the child, the child's PID in the parent. The child has one thread and no Go
// runtime behind it: until it leaves with RawExit or execve it may only run nosplit code that
// allocates nothing, stores no pointer in the heap and makes raw system calls. The caller, too,
// must be nosplit from the call on.
//
// The child starts with every signal blocked and the parent's handlers in place: setting about
// sixty handlers back to their defaults would take a system call each. Blocked handlers never run,
// and the kernel gives a fault whose signal is blocked its default action, death by that signal
// (force_sig in kernel/signal.c). An interrupt from the terminal or a SIGTERM to the whole control
// group leaves such a child alone: its parent decides when it ends.
//
// The call fails with EAGAIN at a limit on tasks (RLIMIT_NPROC, pids cgroup, threads-max) and
// ENOMEM without memory for the page tables.
//
//go:nosplit
//go:norace
func Fork() (int, syscall.Errno) {
	runtimeBeforeFork()
	pid, _, e := syscall.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if e != 0 || pid != 0 {
		runtimeAfterFork()
		return int(pid), e
	}
	return 0, 0
}
