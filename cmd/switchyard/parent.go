package main

import (
	"github.com/spf13/cobra"

	"switchyard/internal/child"
)

// parentFlag adds the flag by which this program makes a server or load generator its own: a
// process that needs no privilege, and that ends with it.
func parentFlag(cmd *cobra.Command, p *int) {
	cmd.Flags().IntVar(p, "parent", 0, "`PID` of the process this one ends with")
	_ = cmd.Flags().MarkHidden("parent")
}

// belong makes this process its parent's, if it was given one.
func belong(parent int) error {
	if parent < 0 || parent > maxPID {
		return usagef("--parent %d: want the number of a process", parent)
	}
	return child.Belong(parent)
}

// maxPID is the kernel's own bound (PID_MAX_LIMIT).
const maxPID = 1 << 22
