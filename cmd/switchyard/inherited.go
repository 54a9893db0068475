package main

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// adopt takes over a descriptor that was inherited from the parent: it is
// checked to be open, and is closed on exec from now on (fcntl(2)), so that no
// worker that is a program of its own keeps it.
func adopt(fd int) error {
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
		if errors.Is(err, unix.EBADF) {
			return errors.New("no such descriptor is open: pass one when starting the program")
		}
		return os.NewSyscallError("fcntl", err)
	}
	unix.CloseOnExec(fd)
	return nil
}
