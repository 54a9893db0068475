package sys

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// SelectName is the kernel's name of the system call behind Select.
const SelectName = "select"

// Select blocks until a descriptor of read can be read, one of write can be written, or ms
// milliseconds have passed; -1 waits for ever (select(2)). Descriptors from nfds on are not looked
// at. The sets come back holding those that are ready, and the result is how many those are. EINTR
// is returned. For how, see Wait.
func Select(how Wait, nfds int, read, write *FDSet, ms int) (int, syscall.Errno) {
	var limit *syscall.Timeval
	if ms >= 0 {
		limit = &syscall.Timeval{Sec: int64(ms / 1000), Usec: int64(ms % 1000 * 1000)}
	}
	if how == Hold {
		n, _, e := syscall.RawSyscall6(unix.SYS_SELECT, uintptr(nfds),
			uintptr(unsafe.Pointer(read)),
			uintptr(unsafe.Pointer(write)), 0, uintptr(unsafe.Pointer(limit)), 0)
		return int(n), e
	}
	n, _, e := syscall.Syscall6(unix.SYS_SELECT, uintptr(nfds), uintptr(unsafe.Pointer(read)),
		uintptr(unsafe.Pointer(write)), 0, uintptr(unsafe.Pointer(limit)), 0)
	return int(n), e
}
