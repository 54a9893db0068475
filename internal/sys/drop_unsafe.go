package sys

import (
	"errors"
	"fmt"
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// DropCapabilities takes from all threads of the process every capability but those in keep, and
// from every program it will start all of them, although it may run as root (capabilities(7);
// PR_CAPBSET_DROP needs CAP_SETPCAP, capset(2) nothing). Without CAP_SETPCAP a program whose file
// has capabilities (setcap(8)) gets those that are in keep too (PR_SET_NO_NEW_PRIVS). Having none
// in the first place is fine. There is no way back.
//
// In a program built with cgo the threads cannot be reached: the error wraps errors.ErrUnsupported
// and nothing was dropped.
func DropCapabilities(keep ...int) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return fmt.Errorf("capget: %w", err)
	}
	has := func(c int) bool { return data[c/32].Effective>>(c%32)&1 != 0 }
	if has(unix.CAP_SETPCAP) {
		for c := range unix.CAP_LAST_CAP + 1 {
			_, _, e := syscall.AllThreadsSyscall(unix.SYS_PRCTL, unix.PR_CAPBSET_DROP,
				uintptr(c), 0)
			switch {
			case e == syscall.ENOTSUP:
				return fmt.Errorf("drop capabilities in a program built with cgo: %w",
					errors.ErrUnsupported)
			case e != 0 && e != syscall.EINVAL: // an older kernel has fewer
				return fmt.Errorf("prctl(PR_CAPBSET_DROP, %d): %w", c, e)
			}
		}
	}
	for c := range unix.CAP_LAST_CAP + 1 {
		if slices.Contains(keep, c) {
			continue
		}
		bit := uint32(1) << (c % 32)
		data[c/32].Effective &^= bit
		data[c/32].Permitted &^= bit
	}
	data[0].Inheritable, data[1].Inheritable = 0, 0
	header.Pid = 0
	if _, _, e := syscall.AllThreadsSyscall6(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0,
		0); e != 0 && e != syscall.ENOTSUP {
		return fmt.Errorf("prctl(PR_SET_NO_NEW_PRIVS): %w", e)
	}
	_, _, e := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)),
		uintptr(unsafe.Pointer(&data[0])), 0)
	switch e {
	case 0:
		return nil
	case syscall.ENOTSUP:
		return fmt.Errorf("drop capabilities in a program built with cgo: %w",
			errors.ErrUnsupported)
	}
	return fmt.Errorf("capset: %w", e)
}
