package main

import (
	"strings"

	"github.com/spf13/cobra"

	"switchyard/trace"
)

// probesResult is what "probes --format json" writes.
type probesResult struct {
	Schema string      `json:"schema"`
	Probes []probeInfo `json:"probes"`
}

// probeInfo is one probe as this kernel and this process see it.
type probeInfo struct {
	Name    string   `json:"name"`
	Doc     string   `json:"doc"`
	Depth   string   `json:"depth"`
	Option  string   `json:"option"` // of trace, that asks for it; "" when it is always there
	Hooks   []string `json:"hooks"`
	Columns []string `json:"columns"`
	// Units says what the numbers in a column are of.
	Units     map[string]string `json:"units"`
	Required  bool              `json:"required"` // nothing can be traced without it
	Available bool              `json:"available"`
	Reason    string            `json:"reason"` // why not, when it is not
}

func describeProbes() []probeInfo {
	list := []probeInfo{}
	for _, p := range trace.Probes() {
		info := probeInfo{
			Name:      p.Name,
			Doc:       p.Doc,
			Depth:     string(p.Depth),
			Hooks:     append([]string{}, p.Hooks...),
			Columns:   []string{},
			Units:     map[string]string{},
			Required:  p.Required,
			Available: p.Err == nil,
		}
		if p.Option != "" {
			info.Option = "--" + p.Option
		}
		for _, c := range p.Columns {
			info.Columns = append(info.Columns, c.Name)
			info.Units[c.Name] = c.Unit
		}
		if p.Err != nil {
			info.Reason = p.Err.Error()
		}
		list = append(list, info)
	}
	return list
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
		result := probesResult{Schema: "switchyard.probes/1", Probes: describeProbes()}
		if *format == "json" {
			return writeJSON(env.Stdout, result)
		}
		return writeProbes(env, result.Probes)
	}
	return cmd
}

// writeProbes writes a table for each depth, and below each probe what it tells.
func writeProbes(env Env, list []probeInfo) error {
	var rows [][]string
	depth := ""
	for i, p := range list {
		if p.Depth != depth {
			if depth != "" {
				rows = append(rows, []string{""})
			}
			depth = p.Depth
			rows = append(rows, []string{strings.ToUpper(depth), "HERE", "OPTION", "WHAT"})
		}
		here := "yes"
		if !p.Available {
			here = "no"
		}
		rows = append(rows, []string{p.Name, here, p.Option, p.Doc})
		var columns []string
		for _, name := range p.Columns {
			column := name
			if unit := p.Units[name]; unit != name {
				column += " (" + unit + ")"
			}
			columns = append(columns, column)
		}
		rows = append(rows, []string{"", "", "", "at " + strings.Join(p.Hooks, ", ")},
			[]string{"", "", "", "tells " + strings.Join(columns, ", ")})
		// One reason for several in a row stands below the last of them.
		last := i == len(list)-1 || list[i+1].Depth != depth || list[i+1].Reason != p.Reason
		if !p.Available && last {
			rows = append(rows, []string{"", "", "", "not here: " + p.Reason})
		}
	}
	return env.writeTable(rows)
}
