package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"switchyard"
	"switchyard/internal/report"
)

// What a finding can be.
const (
	statusWorks   = "works"
	statusMissing = "missing"
	statusUnknown = "unknown" // it could not be told
)

// A finding is one thing the doctor looked at.
type finding struct {
	Group  string `json:"group"`
	Name   string `json:"name"`
	Status string `json:"status"`
	Value  string `json:"value"`  // what was found, or why it could not be told
	Remedy string `json:"remedy"` // what to do about it, when it is missing
}

// findings are what the doctor found of one group.
type findings struct {
	group string
	list  []finding
}

func (f *findings) add(status, name, value, remedy string) {
	f.list = append(f.list, finding{f.group, name, status, value, remedy})
}

func (f *findings) works(name, format string, a ...any) {
	f.add(statusWorks, name, fmt.Sprintf(format, a...), "")
}

func (f *findings) missing(name, value, remedy string) { f.add(statusMissing, name, value, remedy) }

func (f *findings) unknown(name string, err error) { f.add(statusUnknown, name, err.Error(), "") }

// doctorResult is what "doctor --format json" writes.
type doctorResult struct {
	Schema   string    `json:"schema"`
	Findings []finding `json:"findings"`
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
	measure := cmd.Flags().Bool("calibrate", false, "measure what the probes cost here, for some seconds (needs root)")
	cmd.RunE = func(*cobra.Command, []string) error {
		result := doctorResult{Schema: "switchyard.doctor/1", Findings: examine(thisMachine())}
		if *measure {
			var err error
			if result.Prices, err = calibrate(context.Background(), doctorRounds); err != nil {
				return err
			}
		}
		if *format == "json" {
			return writeJSON(env.Stdout, result)
		}
		if err := writeFindings(env.Stdout, result.Findings); err != nil || !*measure {
			return err
		}
		fmt.Fprintln(env.Stdout)
		return writePrices(env.Stdout, result.Prices)
	}
	return cmd
}

func examine(m machine) []finding {
	var all []finding
	for _, look := range []func(machine) []finding{lookKernel, lookCPUs, lookPrivileges, lookSysctls, lookLimits} {
		all = append(all, look(m)...)
	}
	return append(all, append(lookProbes(), lookModels()...)...)
}

func lookProbes() []finding {
	f := findings{group: "probes"}
	for _, p := range describeProbes() {
		if p.Available {
			f.works(p.Name, "%s", p.Doc)
		} else {
			// The reason names its own remedy.
			f.missing(p.Name, p.Doc, p.Reason)
		}
	}
	return f.list
}

func lookModels() []finding {
	f := findings{group: "models"}
	for _, m := range switchyard.Models() {
		if err := m.Available(); err != nil {
			f.missing(m.Name, m.Doc, err.Error())
		} else {
			f.works(m.Name, "%s", m.Doc)
		}
	}
	return f.list
}

func writeFindings(w io.Writer, list []finding) error {
	var rows [][]string
	group, n := "", map[string]int{}
	for _, f := range list {
		if f.Group != group {
			group = f.Group
			rows = append(rows, []string{group})
		}
		n[f.Status]++
		rows = append(rows, []string{"", f.Status, f.Name, f.Value})
		if f.Remedy != "" {
			rows = append(rows, []string{"", "", "", "→ " + f.Remedy})
		}
	}
	if err := writeTable(w, rows); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%d work, %d missing, %d unknown\n", n[statusWorks], n[statusMissing], n[statusUnknown])
	return err
}
