package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"switchyard/internal/sys"
)

// parentFlag adds the flag by which `compare` makes a server or load generator
// its own: a process that needs no privilege, and that ends with it.
func parentFlag(cmd *cobra.Command, p *int) {
	cmd.Flags().IntVar(p, "parent", 0, "`PID` of the process this one ends with")
	_ = cmd.Flags().MarkHidden("parent")
}

// belong gives up what a child of compare does not need. The exec of a file with
// capabilities (setcap(8)) has given it those, and has made it undumpable, so
// that its parent could not weigh its memory (prctl(2), PR_SET_DUMPABLE).
func belong(parent int) error {
	switch {
	case parent == 0:
		return nil
	case parent < 0 || parent > maxPID:
		return usagef("--parent %d: want the number of a process", parent)
	}
	if err := sys.DropCapabilities(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become dumpable: %w", os.NewSyscallError("prctl", err))
	}
	return nil
}

// maxPID is the kernel's own bound (PID_MAX_LIMIT).
const maxPID = 1 << 22

// dieWith has the kernel kill this process with parent, for as long as the
// calling thread lives. The parent has asked for that, but the exec of a file
// with capabilities took it back (prctl(2), PR_SET_PDEATHSIG). With 0 it does
// nothing.
func dieWith(parent int) {
	if parent != 0 {
		sys.RawDieWithParent(parent)
	}
}
