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
