package trace_test

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

func sysPointer(b *byte) uintptr { return uintptr(unsafe.Pointer(b)) }

// allThreadsCapset is capset(2) for every thread of the process.
func allThreadsCapset(caps uint64) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	data := [2]unix.CapUserData{
		{Effective: uint32(caps), Permitted: uint32(caps)},
		{Effective: uint32(caps >> 32), Permitted: uint32(caps >> 32)},
	}
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_CAPSET,
		uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data[0])), 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// Ping and pong run where the Go scheduler cannot come in between: no function they call looks whether it should yield, and
// the runtime does not know that they are in the kernel. Each switch is then one of those counted.

// pingLoop waits for a line on fd 0, passes a byte back and forth, says so on fd 1, and begins again, until fd 0 is closed.
//
//go:nosplit
func pingLoop(rounds, from, to int) {
	var b [1]byte
	done := [5]byte{'d', 'o', 'n', 'e', '\n'}
	for {
		if !sysByte(syscall.SYS_READ, 0, &b[0], 1) {
			return
		}
		if b[0] != '\n' {
			continue
		}
		exchange(to, from, rounds)
		if !sysByte(syscall.SYS_WRITE, 1, &done[0], len(done)) {
			return
		}
	}
}

//go:nosplit
func pongLoop(from, to int) {
	var b [1]byte
	for sysByte(syscall.SYS_READ, from, &b[0], 1) && sysByte(syscall.SYS_WRITE, to, &b[0], 1) {
	}
}

//go:nosplit
func sysByte(nr uintptr, fd int, p *byte, n int) bool {
	for {
		got, _, errno := syscall.RawSyscall(nr, uintptr(fd), uintptr(unsafe.Pointer(p)), uintptr(n))
		if errno != syscall.EINTR {
			return errno == 0 && int(got) == n
		}
	}
}

// exchange passes a byte back and forth.
//
//go:nosplit
func exchange(to, from, rounds int) {
	var b [1]byte
	for range rounds {
		if !sysByte(syscall.SYS_WRITE, to, &b[0], 1) || !sysByte(syscall.SYS_READ, from, &b[0], 1) {
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
