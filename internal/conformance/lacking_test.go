package conformance

import (
	"errors"
	"os"
	"runtime/debug"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/testenv"
)

// lacking asks the system, not the model, what a model that is made so may lack here; nil is
// nothing.
func lacking(m switchyard.Model) error {
	if m.Isolated { // it forks this program
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
	}
	if slices.Contains(m.Syscalls, "io_uring_enter") {
		// With no address for its parameters a kernel that has the call, and allows it, says
		// EFAULT.
		if _, _, e := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, 0, 0); e != unix.EFAULT {
			return os.NewSyscallError("io_uring_setup", e)
		}
	}
	return nil // every other call is everywhere
}
