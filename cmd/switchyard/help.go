package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"switchyard/internal/report"
)

// printHelp writes what --help shows of a command, as wide as the page. It ends in the examples:
// most readers want one to copy, and the end is what stays on the screen.
func printHelp(env Env, cmd *cobra.Command) error {
	width := helpWidth
	if w := env.width(); w > 0 {
		width = min(w, helpWidth)
	}
	var b strings.Builder
	for paragraph := range strings.SplitSeq(upperFirst(description(cmd)), "\n\n") {
		fmt.Fprintf(&b, "%s\n\n", report.Paragraph(paragraph, width))
	}
	fmt.Fprintf(&b, "Usage:\n  %s\n", cmd.UseLine())
	if cmd.HasAvailableSubCommands() {
		b.WriteString("\nCommands:\n")
		var rows [][]string
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				rows = append(rows, []string{c.Name(), c.Short})
			}
		}
		report.WriteColumns(&b, "  ", width, rows)
	}
	if f := cmd.LocalFlags(); f.HasAvailableFlags() {
		fmt.Fprintf(&b, "\nFlags:\n%s", f.FlagUsagesWrapped(width))
	}
	if f := cmd.InheritedFlags(); f.HasAvailableFlags() {
		fmt.Fprintf(&b, "\nFlags of every command:\n%s", f.FlagUsagesWrapped(width))
	}
	b.WriteString("\nExamples:\n")
	for line := range strings.Lines(examples(cmd)) {
		fmt.Fprintf(&b, "  %s\n", strings.TrimSpace(line))
	}
	_, err := io.WriteString(env.Stdout, b.String())
	return err
}

// helpWidth is how wide help is at most: longer lines are hard to read.
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
			of, rest, err := cmd.Root().Find(args)
			if err != nil {
				return unknownCommand(cmd.Root(), args)
			}
			if len(rest) > 0 {
				return usagef("help takes a command, but %q was given too", rest[0])
			}
			of.InitDefaultHelpFlag()
			return printHelp(env, of)
		},
	}
}
