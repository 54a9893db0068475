package main

import (
	"strings"

	"github.com/spf13/cobra"

	"switchyard/trace"
)

// probesResult is what "probes --format json" writes.
type probesResult struct {
	Schema string        `json:"schema"`
	Probes []trace.Probe `json:"probes"`
}

func newProbesCommand(env Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "probes",
		Short: "list the probes and whether each can be used here",
		Long: `List the probes of each depth, and of what switches cost: whether this kernel lets
this process use each, the option of trace that asks for it, the points in the kernel
it is put on and the results it fills, with their units. Each is loaded, not attached, and
closed again; to say yes that needs the privileges of tracing (root, or CAP_BPF
and CAP_PERFMON).`,
		Example:           "sudo switchyard probes\nswitchyard probes --format json",
		Args:              noArgs,
		ValidArgsFunction: noFiles,
	}
	format := formatFlag(cmd, "text", "json")
	cmd.RunE = func(*cobra.Command, []string) error {
		result := probesResult{Schema: "switchyard.probes/1", Probes: trace.Probes()}
		if *format == "json" {
			return writeJSON(env.Stdout, result)
		}
		return writeProbes(env, result.Probes)
	}
	return cmd
}

// writeProbes writes a table for each depth, and below each probe what it tells.
func writeProbes(env Env, list []trace.Probe) error {
	var rows [][]string
	var depth trace.Depth
	for i, p := range list {
		if p.Depth != depth {
			if depth != "" {
				rows = append(rows, []string{""})
			}
			depth = p.Depth
			rows = append(rows, []string{strings.ToUpper(string(depth)), "HERE", "OPTION", "WHAT"})
		}
		here, option := "yes", ""
		if p.Err != nil {
			here = "no"
		}
		if p.Option != "" {
			option = "--" + p.Option
		}
		rows = append(rows, []string{p.Name, here, option, p.Doc})
		var columns []string
		for _, c := range p.Columns {
			column := c.Name
			if c.Unit != c.Name {
				column += " (" + c.Unit + ")"
			}
			columns = append(columns, column)
		}
		rows = append(rows, []string{"", "", "", "at " + strings.Join(p.Hooks, ", ")},
			[]string{"", "", "", "tells " + strings.Join(columns, ", ")})
		// One reason for several in a row stands below the last of them.
		last := i == len(list)-1 || list[i+1].Depth != depth ||
			reason(list[i+1].Err) != reason(p.Err)
		if p.Err != nil && last {
			rows = append(rows, []string{"", "", "", "not here: " + reason(p.Err)})
		}
	}
	return env.writeTable(rows)
}

// reason is why something is not here; "" when it is.
func reason(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
