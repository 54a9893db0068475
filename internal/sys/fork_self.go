package sys

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// RawGettid is the calling thread's TID (gettid(2)), for a forked child.
//
//go:nosplit
//go:norace
func RawGettid() int {
	tid, _, _ := syscall.RawSyscall(unix.SYS_GETTID, 0, 0, 0)
	return int(tid)
}
