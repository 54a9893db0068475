package child

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"switchyard/internal/sys"
)

// Adopt takes over a descriptor that was inherited from the parent: it is checked to be open, and
// is closed on exec from now on (fcntl(2)), so that no worker that is a program of its own keeps
// it.
func Adopt(fd int) error {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	switch {
	// What is closed on exec did not come from the parent: the Go runtime has opened it, and would
	// miss it.
	case errors.Is(err, unix.EBADF), err == nil && flags&unix.FD_CLOEXEC != 0:
		return errors.New("no such descriptor was inherited: pass one when starting the program")
	case err != nil:
		return os.NewSyscallError("fcntl", err)
	}
	unix.CloseOnExec(fd)
	return nil
}

// AdoptSocket is Adopt for a descriptor that must be a stream socket.
func AdoptSocket(fd int) error {
	if err := Adopt(fd); err != nil {
		return err
	}
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil || kind != unix.SOCK_STREAM {
		return errors.New("not a stream socket")
	}
	return nil
}

// Release closes a descriptor that was adopted. One of the standard three goes on as /dev/null:
// workers keep those when they are forked, so no connection may get such a number.
func Release(fd int) {
	if fd > 2 {
		sys.Close(fd)
		return
	}
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return // what matters is that the number is taken
	}
	unix.Dup3(null, fd, 0)
	sys.Close(null)
}
