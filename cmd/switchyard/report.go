package main

import (
	"github.com/spf13/cobra"
)

func newReportCommand(env Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "report DIR",
		Short: "show a recording again",
		Long: `report reads a directory that "switchyard trace --record --out DIR" made, and prints what
it shows: no root is needed, nor the machine it was recorded on.`,
		Example: "switchyard report run\nswitchyard report run --format json",
		Args:    oneArg("the directory of a recording"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
	}
	format := formatsOf(cmd, writesTrace)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		t, err := replay(args[0])
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
