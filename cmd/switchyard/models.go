package main

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"switchyard"
	"switchyard/internal/nearest"
)

// modelsResult is what "models --format json" writes.
type modelsResult struct {
	Schema string      `json:"schema"`
	Models []modelInfo `json:"models"`
}

// modelInfo is one model as this machine sees it.
type modelInfo struct {
	Name         string   `json:"name"`
	Doc          string   `json:"doc"`
	Available    bool     `json:"available"`
	Reason       string   `json:"reason"` // why not, when it is not
	Syscalls     []string `json:"syscalls"`
	Probes       []string `json:"probes"`
	Isolated     bool     `json:"isolated"`       // a crash takes only its own connections with it
	Pool         bool     `json:"pool"`           // each worker serves one connection at a time
	ServesAtOnce int      `json:"serves_at_once"` // connections, at the default options
}

func describeModel(m switchyard.Model) modelInfo {
	info := modelInfo{
		Name:      m.Name,
		Doc:       m.Doc,
		Available: true,
		Syscalls:  append([]string{}, m.Syscalls...),
		Probes:    append([]string{}, m.Probes...),
		Isolated:  m.Isolated,
		Pool:      m.Pool,
		// Echo: its defaults need no calibration of /work.
		ServesAtOnce: m.Capacity(switchyard.Options{Protocol: switchyard.Echo}),
	}
	if err := m.Available(); err != nil {
		info.Available, info.Reason = false, err.Error()
	}
	return info
}

// chooseModels finds the models that patterns name, each by its whole name, by its family ("poll")
// or by a pattern of path.Match ("*/epoll*"). They come in the order in which they are named first.
// No pattern chooses every model.
func chooseModels(patterns []string) ([]switchyard.Model, error) {
	all := switchyard.Models()
	if len(patterns) == 0 {
		return all, nil
	}
	var chosen []switchyard.Model
	for _, p := range patterns {
		if _, err := path.Match(p, ""); err != nil {
			return nil, usagef("bad pattern %q: want * for any characters but /, ? for one, "+
				"or [abc] for one of these", p)
		}
		found := false
		for _, m := range all {
			family, _, _ := strings.Cut(m.Name, "/")
			if ok, _ := path.Match(p, m.Name); !ok && p != m.Name &&
				strings.TrimSuffix(p, "/") != family {
				continue
			}
			found = true
			if !slices.ContainsFunc(chosen, func(c switchyard.Model) bool {
				return c.Name == m.Name
			}) {
				chosen = append(chosen, m)
			}
		}
		if !found {
			return nil, unknownModel(p)
		}
	}
	return chosen, nil
}

// lookupModel finds one model by its whole name.
func lookupModel(name string) (switchyard.Model, error) {
	m, ok := switchyard.Lookup(name)
	if ok {
		return m, nil
	}
	some, err := chooseModels([]string{name})
	if err != nil {
		return m, err
	}
	var names []string
	for _, m := range some {
		names = append(names, m.Name)
	}
	return m, usagef("%q is not one model: want one of %s", name, strings.Join(names, ", "))
}

// patternMarks are what makes a name a pattern of path.Match.
const patternMarks = `*?[\`

func unknownModel(name string) error {
	if strings.ContainsAny(name, patternMarks) {
		return usagef("no model matches the pattern %q (switchyard models lists them all)", name)
	}
	var names []string
	for _, m := range switchyard.Models() {
		names = append(names, m.Name)
	}
	return usagef("unknown model %q%s (switchyard models lists them all)", name,
		nearest.DidYouMean(nearest.Names(name, names, 3)))
}

// completeModels offers the models that are not among the arguments yet.
func completeModels(_ *cobra.Command, args []string, begun string) ([]cobra.Completion,
	cobra.ShellCompDirective) {
	var list []cobra.Completion
	for _, m := range switchyard.Models() {
		if strings.HasPrefix(m.Name, begun) && !slices.Contains(args, m.Name) {
			list = append(list, cobra.CompletionWithDesc(m.Name, m.Doc))
		}
	}
	return list, cobra.ShellCompDirectiveNoFileComp
}

// completeModel offers a model as the only argument.
func completeModel(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion,
	cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return completeModels(cmd, args, begun)
}

func newModelsCommand(env Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "models [NAME…]",
		Short: "list the server designs and whether each can run here",
		Long: `List the server designs: whether each can run on this machine, how many
connections it serves at the same moment with default options, the system calls
it is built on, and what it does. NAME is a model, a family (poll) or a pattern
('*/epoll*').`,
		Example:           "switchyard models\nswitchyard models poll\nswitchyard models '*/epoll*' --format json",
		ValidArgsFunction: completeModels,
	}
	format := formatFlag(cmd, "text", "json")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		models, err := chooseModels(args)
		if err != nil {
			return err
		}
		result := modelsResult{Schema: "switchyard.models/1"}
		for _, m := range models {
			result.Models = append(result.Models, describeModel(m))
		}
		if *format == "json" {
			return writeJSON(env.Stdout, result)
		}
		rows := [][]string{{"MODEL", "HERE", "AT ONCE", "SYSTEM CALLS", "DESIGN"}}
		for _, m := range result.Models {
			here := "yes"
			if !m.Available {
				here = "no"
			}
			rows = append(rows, []string{m.Name, here, strconv.Itoa(m.ServesAtOnce),
				strings.Join(m.Syscalls, " "), m.Doc})
			if !m.Available {
				rows = append(rows, []string{"", "", "", "", "not here: " + m.Reason})
			}
		}
		return env.writeTable(rows)
	}
	return cmd
}
