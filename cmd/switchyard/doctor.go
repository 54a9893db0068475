package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"switchyard/internal/doctor"
	"switchyard/internal/report"
	"switchyard/trace"
)

// doctorResult is what "doctor --format json" writes.
type doctorResult struct {
	Schema   string           `json:"schema"`
	Findings []doctor.Finding `json:"findings"`
	// Prices are what the probes cost, with --calibrate.
	Prices []report.ProbeCost `json:"prices,omitempty"`
}

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
		result := doctorResult{Schema: "switchyard.doctor/1", Findings: doctor.Examine()}
		if *measure {
			prices, err := trace.Calibrate(context.Background(), doctorRounds)
			if err != nil {
				return err
			}
			result.Prices = report.OfPrices(prices)
		}
		if *format == "json" {
			return writeJSON(env.Stdout, result)
		}
		if err := writeFindings(env, result.Findings); err != nil || !*measure {
			return err
		}
		fmt.Fprintln(env.Stdout)
		return writePrices(env, result.Prices)
	}
	return cmd
}

// doctorRounds is in how many rounds a price is measured, which takes some seconds.
const doctorRounds = 41

func writePrices(env Env, prices []report.ProbeCost) error {
	rows := [][]string{{"WHAT THE PROBES ADD", "NS", "INTERVAL", "TO", "WHICH TAKES, NS"}}
	for _, p := range prices {
		ns := "–"
		if p.Found() {
			ns = fmt.Sprintf("%.0f", p.Added.Median)
		}
		rows = append(rows, []string{p.Doc, ns,
			fmt.Sprintf("%.0f to %.0f", p.Added.Low, p.Added.High), report.Printable(p.Unit),
			fmt.Sprintf("%.0f", p.Without.Median)})
	}
	if err := env.writeTable(rows); err != nil {
		return err
	}
	_, err := fmt.Fprintf(env.Stdout, "\nmedians of %d rounds with the probes on and off in turn; "+
		"an interval holds the true median with 95 %%; a dash is lost in the noise\n",
		doctorRounds)
	return err
}

func writeFindings(env Env, list []doctor.Finding) error {
	var rows [][]string
	group, n := "", map[doctor.Status]int{}
	for i, f := range list {
		if f.Group != group {
			group = f.Group
			rows = append(rows, []string{group})
		}
		n[f.Status]++
		rows = append(rows, []string{"", string(f.Status), f.Name, f.Value})
		// One remedy for several in a row stands below the last of them.
		last := i == len(list)-1 || list[i+1].Group != group || list[i+1].Remedy != f.Remedy
		if f.Remedy != "" && last {
			rows = append(rows, []string{"", "", "", "→ " + f.Remedy})
		}
	}
	if err := env.writeTable(rows); err != nil {
		return err
	}
	_, err := fmt.Fprintf(env.Stdout, "\n%d work, %d missing, %d unknown\n", n[doctor.Works],
		n[doctor.Missing], n[doctor.Unknown])
	return err
}
