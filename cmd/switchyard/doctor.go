package main

import (
	"context"

	"github.com/spf13/cobra"

	"switchyard/internal/doctor"
)

func newDoctorCommand(env Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "say what works on this machine, what is missing, and what to do about it",
		Long: `Look at everything that a run depends on: the kernel and its CPUs, privileges,
sysctls, limits, probes and models. Each line says works, missing (with what to do
about it) or unknown (it could not be told). The exit code is 0 whatever is found.

With --calibrate it measures what the probes cost on this machine: nanoseconds added
to a switch and to a system call, with the probes on and off in turn.`,
		Example:           "switchyard doctor\nsudo switchyard doctor --format json\nsudo switchyard doctor --calibrate",
		Args:              noArgs,
		ValidArgsFunction: noFiles,
	}
	format := formatFlag(cmd, "text", "json")
	measure := cmd.Flags().Bool("calibrate", false,
		"measure what the probes cost here, for some seconds (needs root)")
	cmd.RunE = func(*cobra.Command, []string) error {
		r := doctor.NewReport()
		if *measure {
			if err := r.Measure(context.Background()); err != nil {
				return err
			}
		}
		if *format == "json" {
			return writeJSON(env.Stdout, r)
		}
		return r.WriteText(env.Stdout, env.width())
	}
	return cmd
}
