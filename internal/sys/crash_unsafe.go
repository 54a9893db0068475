package sys

import (
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// kernelSigaction is struct sigaction as rt_sigaction(2) takes it (not as libc declares it) on
// amd64; arm64 has no restorer before the mask, but here all fields are zero, so the larger layout
// serves both.
type kernelSigaction struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

var crashMessage = [...]byte{'s', 'w', 'i', 't', 'c', 'h', 'y', 'a', 'r', 'd', ':', ' ', '/', 'c',
	'r', 'a', 's', 'h', ' ', 'r', 'e', 'q', 'u', 'e', 's', 't', 'e', 'd', ':', ' ', 't', 'h', 'i',
	's', ' ', 'p', 'r', 'o', 'c', 'e', 's', 's', ' ', 'd', 'i', 'e', 's', ' ', 'o', 'f', ' ', 'S',
	'I', 'G', 'S', 'E', 'G', 'V', '\n'}

// Crash kills the calling process the way a stray pointer would: the handler of SIGSEGV is set back
// to the default (the Go runtime would turn the fault into a panic with a trace of every
// goroutine), one line says what happens on standard error, and an address that is not mapped is
// written. It is safe in a forked child and does not return.
//
//go:nosplit
//go:norace
func Crash() {
	syscall.RawSyscall(unix.SYS_WRITE, 2, uintptr(unsafe.Pointer(&crashMessage[0])),
		uintptr(len(crashMessage)))
	var act kernelSigaction
	syscall.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(syscall.SIGSEGV),
		uintptr(unsafe.Pointer(&act)), 0, 8, 0, 0)
	for {
		// Not a plain load or store, which the compiler drops: nobody sees them.
		atomic.StoreUint32((*uint32)(unsafe.Add(unsafe.Pointer(nil), 16)), 1)
	}
}
