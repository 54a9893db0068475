//go:build !amd64

package sys

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// SelectName is the kernel's name of the system call behind Select: the younger architectures have
// no select.
const SelectName = "pselect6"

// Select blocks until a descriptor of read can be read, one of write can be written, or ms
// milliseconds have passed; -1 waits for ever (pselect(2), with no signal mask). Descriptors from
// nfds on are not looked at. The sets come back holding those that are ready, and the result is how
// many those are. EINTR is returned.
// For how, see Wait.
func Select(how Wait, nfds int, read, write *FDSet, ms int) (int, syscall.Errno) {
	var limit *syscall.Timespec
	if ms >= 0 {
		ts := syscall.NsecToTimespec(int64(ms) * 1e6)
		limit = &ts
	}
	if how == Hold {
		n, _, e := syscall.RawSyscall6(unix.SYS_PSELECT6, uintptr(nfds),
			uintptr(unsafe.Pointer(read)),
			uintptr(unsafe.Pointer(write)), 0, uintptr(unsafe.Pointer(limit)), 0)
		return int(n), e
	}
	n, _, e := syscall.Syscall6(unix.SYS_PSELECT6, uintptr(nfds), uintptr(unsafe.Pointer(read)),
		uintptr(unsafe.Pointer(write)), 0, uintptr(unsafe.Pointer(limit)), 0)
	return int(n), e
}
