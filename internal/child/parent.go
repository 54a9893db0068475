package child

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"switchyard/internal/sys"
)

// Belong makes this process its parent's, and gives up what a child does not need; with 0 it does
// nothing. The exec of a file with capabilities (setcap(8)) has given it those, and has made it
// undumpable, so that its parent could not weigh its memory (prctl(2), PR_SET_DUMPABLE).
func Belong(parent int) error {
	if parent == 0 {
		return nil
	}
	if err := sys.DropCapabilities(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become dumpable: %w", os.NewSyscallError("prctl", err))
	}
	return nil
}

// dieWith has the kernel kill this process with parent, for as long as the calling thread lives.
// The parent has asked for that, but the exec of a file with capabilities took it back (prctl(2),
// PR_SET_PDEATHSIG). With 0 it does nothing.
func dieWith(parent int) {
	if parent != 0 {
		sys.RawDieWithParent(parent)
	}
}
