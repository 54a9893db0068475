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
	Name      string   `json:"name"`
	Doc       string   `json:"doc"`
	Hooks     []string `json:"hooks"`
	Columns   []string `json:"columns"`
	Required  bool     `json:"required"` // nothing can be traced without it
	Available bool     `json:"available"`
	Reason    string   `json:"reason"` // why not, when it is not
}

func describeProbes() []probeInfo {
	list := []probeInfo{}
	for _, p := range trace.Probes() {
		info := probeInfo{
			Name:      p.Name,
			Doc:       p.Doc,
			Hooks:     append([]string{}, p.Hooks...),
			Columns:   append([]string{}, p.Columns...),
			Required:  p.Required,
			Available: p.Err == nil,
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
		Long: `List the probes: whether this kernel lets this process use each, the points in the
kernel it is put on and the results it fills. Each is loaded, not attached, and
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
		rows := [][]string{{"PROBE", "HERE", "HOOKS", "WHAT"}}
		for _, p := range result.Probes {
			here := "yes"
			if !p.Available {
				here = "no"
			}
			rows = append(rows, []string{p.Name, here, strings.Join(p.Hooks, " "), p.Doc})
			if !p.Available {
				rows = append(rows, []string{"", "", "", "not here: " + p.Reason})
			}
		}
		return writeTable(env.Stdout, rows)
	}
	return cmd
}
