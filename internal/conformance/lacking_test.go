package conformance

import (
	"errors"
	"os"
	"runtime/debug"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/testenv"
)

// lacking asks the system, not the model, what the model may lack here; nil is
// nothing.
func lacking(m switchyard.Model) error {
	switch {
	case strings.HasPrefix(m.Name, "fork/"):
		if testenv.Race {
			return errors.New("built with -race")
		}
		if testing.CoverMode() != "" {
			return errors.New("built with -cover")
		}
		if info, ok := debug.ReadBuildInfo(); ok {
			for _, s := range info.Settings {
				if s.Key == "-gcflags" {
					return errors.New("built with -gcflags " + s.Value)
				}
			}
		}
		return nil
	case strings.HasSuffix(m.Name, "/io_uring"):
		// With no address for its parameters a kernel that has the call, and
		// allows it, says EFAULT.
		_, _, e := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, 0, 0)
		if e == unix.EFAULT {
			return nil
		}
		return os.NewSyscallError("io_uring_setup", e)
	case strings.HasPrefix(m.Name, "poll/"):
		return nil // select, poll and epoll are everywhere
	case strings.HasPrefix(m.Name, "threads/"):
		return nil
	}
	return errors.New("the suite does not know what this model needs")
}
