package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"switchyard/internal/record"
	"switchyard/internal/words"
)

func newRecoverCommand(env Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "recover DIR",
		Short: "complete a recording that was cut off",
		Long: `recover writes the tables of a recording whose tracer was killed, or whose disk was full:
what is in its spool is kept up to where the events of every CPU are known, and says
that it was cut off. That is 60 ms before the end at most, unless the machine was so
busy that the tracer came late.`,
		Example: "switchyard recover run\nswitchyard report run",
		Args:    oneArg("the directory of a recording"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string,
			cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
	}
	format := formatFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		dir := args[0]
		d, err := record.Open(dir, own)
		if errors.Is(err, fs.ErrNotExist) {
			if _, e := os.Stat(filepath.Join(dir, "manifest.json")); e == nil {
				return fmt.Errorf("%s: the recording is complete: switchyard report %s shows it",
					dir,
					words.Shell(dir))
			}
			return fmt.Errorf("%s: there is no recording here (it would have a file %s)", dir,
				record.SpoolName)
		}
		if err != nil {
			return err
		}
		defer d.Close()
		t, err := record.Finish(d, record.Extra{Calibrated: "the tracer ended before it could measure it"})
		if err != nil {
			return err
		}
		if err := writeTrace(env, t, *format); err != nil {
			return err
		}
		return failedChecks(t)
	}
	return cmd
}
