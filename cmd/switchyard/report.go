package main

import (
	"strings"

	"github.com/spf13/cobra"

	"switchyard/internal/record"
	"switchyard/internal/report"
	"switchyard/internal/rounds"
	rundir "switchyard/internal/run"
)

func newReportCommand(env Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "report DIR",
		Short: "show a recording or a comparison again",
		Long: `report reads a directory that "switchyard trace --record --out DIR" or "switchyard
compare --out DIR" made, and prints what they show, in any of their forms: no root is
needed, nor the machine it was measured on.`,
		Example: "switchyard report run\nswitchyard report run --format json\n" +
			"switchyard report results --format markdown",
		Args: oneArg("the directory of a run"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string,
			cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
	}
	format := formatsOf(cmd, func(report.Format) bool { return true })
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		schema, err := schemaOf(args[0])
		if err != nil {
			return err
		}
		if rundir.SameKind(schema, rounds.Schema) {
			return reportComparison(env, args[0], *format)
		}
		if err := offered(*format, "a recording", writesTrace); err != nil {
			return err
		}
		r, err := record.OpenRun(args[0])
		if err != nil {
			return err
		}
		defer r.Close()
		t, err := record.Show(r)
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

// schemaOf is what a directory says it holds.
func schemaOf(dir string) (string, error) {
	files, err := rundir.OpenFiles(dir)
	if err != nil {
		return "", err
	}
	defer files.Close()
	schema, _, err := files.ReadManifest()
	return schema, err
}

// reportComparison prints what `compare` printed.
func reportComparison(env Env, dir, format string) error {
	if err := offered(format, "a comparison", writesCompare); err != nil {
		return err
	}
	r, err := rounds.Open(dir)
	if err != nil {
		return err
	}
	defer r.Close()
	result, err := r.Result()
	if err != nil {
		return err
	}
	c := report.OfRounds(result)
	if err := writeCompare(env, format, c); err != nil {
		return err
	}
	return checksOf(c)
}

// offered says that a form is none of what is to be shown.
func offered(format, what string, writes func(report.Format) bool) error {
	var names []string
	for _, f := range report.Formats() {
		switch {
		case !writes(f):
		case f.Name == format:
			return nil
		default:
			names = append(names, f.Name)
		}
	}
	return usagef("--format %s: %s has no such form: want one of %s", format, what,
		strings.Join(names, ", "))
}
