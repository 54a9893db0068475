package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"switchyard/internal/report"
)

// printHelp writes what --help shows of a command. It ends in the examples:
// most readers want one to copy, and the end is what stays on the screen.
func printHelp(w io.Writer, cmd *cobra.Command) {
	fmt.Fprintln(w, upperFirst(description(cmd)))
	fmt.Fprintf(w, "\nUsage:\n  %s\n", cmd.UseLine())
	if cmd.HasAvailableSubCommands() {
		fmt.Fprint(w, "\nCommands:\n")
		var rows [][]string
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				rows = append(rows, []string{c.Name(), c.Short})
			}
		}
		report.WriteColumns(w, "  ", helpWidth, rows)
	}
	if f := cmd.LocalFlags(); f.HasAvailableFlags() {
		fmt.Fprintf(w, "\nFlags:\n%s", f.FlagUsagesWrapped(helpWidth))
	}
	if f := cmd.InheritedFlags(); f.HasAvailableFlags() {
		fmt.Fprintf(w, "\nFlags of every command:\n%s", f.FlagUsagesWrapped(helpWidth))
	}
	fmt.Fprint(w, "\nExamples:\n")
	for line := range strings.Lines(examples(cmd)) {
		fmt.Fprintf(w, "  %s\n", strings.TrimSpace(line))
	}
}

const helpWidth = 100

func description(cmd *cobra.Command) string {
	if cmd.Long != "" {
		return strings.TrimSpace(cmd.Long)
	}
	return cmd.Short + "."
}

func examples(cmd *cobra.Command) string { return strings.TrimSpace(cmd.Example) }

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// newHelpCommand is "help [COMMAND…]", which does what --help does.
func newHelpCommand(env Env) *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "show the help of a command",
		Example: "switchyard help serve",
		RunE: func(cmd *cobra.Command, args []string) error {
			of, _, err := cmd.Root().Find(args)
			if err != nil {
				return unknownCommand(cmd.Root(), args)
			}
			of.InitDefaultHelpFlag()
			printHelp(env.Stdout, of)
			return nil
		},
	}
}
