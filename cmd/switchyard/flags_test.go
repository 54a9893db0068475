package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A flag whose value was forgotten says what it wants in a word that help has too, never the name
// of a type.
func TestForgottenValueIsNamed(t *testing.T) {
	n := 0
	for _, cmd := range everyCommand(newRootCommand(Env{})) {
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.NoOptDefVal != "" || f.Hidden || !forgettable(cmd) {
				return
			}
			n++
			o := runCommand(t, cmd.Name(), "--"+f.Name)
			if o.code != exitUsage || !strings.HasPrefix(o.stderr,
				"switchyard: --"+f.Name+": its value is missing: want ") ||
				strings.Contains(o.stderr, "string") || strings.Count(o.stderr, "\n") != 1 {
				t.Errorf("%s --%s: %d, %q", cmd.Name(), f.Name, o.code, o.stderr)
			}
		})
	}
	if n < 40 {
		t.Errorf("saw %d flags", n)
	}
}

// forgettable is false of commands below a command.
func forgettable(cmd *cobra.Command) bool { return cmd.HasParent() && !cmd.Parent().HasParent() }
