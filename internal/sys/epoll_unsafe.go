package sys

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// EpollWait blocks until at least one event is ready or ms milliseconds have passed; -1 waits for
// ever (epoll_wait(2); the kernel's name of the call is EpollWaitName). EINTR is returned. The
// descriptor is the caller's. For how, see Wait.
func EpollWait(how Wait, epfd int, events []unix.EpollEvent, ms int) (int, syscall.Errno) {
	// epoll_pwait takes two arguments more, a signal mask and its size; no mask (zero) makes it
	// epoll_wait.
	if how == Hold {
		n, _, e := syscall.RawSyscall6(sysEpollWait, uintptr(epfd),
			uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)),
			uintptr(ms), 0, 0)
		return int(n), e
	}
	n, _, e := syscall.Syscall6(sysEpollWait, uintptr(epfd),
		uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)), uintptr(ms), 0, 0)
	return int(n), e
}

// RawEpollCtl adds, changes or removes the interest in fd (epoll_ctl(2)). op is unix.EPOLL_CTL_…;
// adding fails with ENOSPC at fs.epoll.max_user_watches and ENOMEM without memory. It never blocks.
//
//go:nosplit
func RawEpollCtl(epfd, op, fd int, event *unix.EpollEvent) syscall.Errno {
	_, _, e := syscall.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(epfd), uintptr(op), uintptr(fd),
		uintptr(unsafe.Pointer(event)), 0, 0)
	return e
}
