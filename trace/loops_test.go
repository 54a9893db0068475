package trace_test

import (
	"syscall"

	"switchyard/internal/sys"
)

// Ping and pong run where the Go scheduler cannot come in between: no function they call looks
// whether it should yield, and the runtime does not know that they are in the kernel. Each switch
// is then one of those counted.

// pingLoop waits for a line on fd 0, passes a byte back and forth, says so on fd 1, and begins
// again, until fd 0 is closed.
//
//go:nosplit
func pingLoop(rounds, from, to int) {
	var b [1]byte
	done := [5]byte{'d', 'o', 'n', 'e', '\n'}
	for readAll(0, b[:]) {
		if b[0] != '\n' {
			continue
		}
		exchange(to, from, rounds)
		if !writeAll(1, done[:]) {
			return
		}
	}
}

//go:nosplit
func pongLoop(from, to int) {
	var b [1]byte
	for readAll(from, b[:]) && writeAll(to, b[:]) {
	}
}

// exchange passes a byte back and forth.
//
//go:nosplit
func exchange(to, from, rounds int) {
	var b [1]byte
	for range rounds {
		if !writeAll(to, b[:]) || !readAll(from, b[:]) {
			return
		}
	}
}

//go:nosplit
func getppids(n int) {
	for range n {
		syscall.RawSyscall(syscall.SYS_GETPPID, 0, 0, 0)
	}
}

// readAll and writeAll are a system call each: the pipes hold all of p or nothing.

//go:nosplit
func readAll(fd int, p []byte) bool {
	for {
		n, errno := sys.RawRead(fd, p)
		if errno != syscall.EINTR {
			return errno == 0 && n == len(p)
		}
	}
}

//go:nosplit
func writeAll(fd int, p []byte) bool {
	for {
		n, errno := sys.RawWrite(fd, p)
		if errno != syscall.EINTR {
			return errno == 0 && n == len(p)
		}
	}
}
