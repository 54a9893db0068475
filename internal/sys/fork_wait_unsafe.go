package sys

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// siginfoChild is the part of siginfo_t that waitid(2) fills in.
type siginfoChild struct {
	signo, errno, code, _ int32
	pid                   int32
	_                     [108]byte
}

// WaitDead blocks until some child of this process is dead, and returns its PID without reaping it
// (waitid(2), P_ALL, WEXITED|WNOWAIT). Which child is the kernel's choice, and the same one comes
// again until somebody reaps it. ECHILD when there are no children.
func WaitDead() (int, syscall.Errno) {
	var info siginfoChild
	for {
		_, _, e := syscall.Syscall6(unix.SYS_WAITID, unix.P_ALL, 0, uintptr(unsafe.Pointer(&info)),
			unix.WEXITED|unix.WNOWAIT, 0, 0)
		if e != syscall.EINTR {
			return int(info.pid), e
		}
	}
}
