package main

import (
	"cmp"
	"strings"

	"github.com/spf13/cobra"

	"switchyard/internal/report"
)

// formatFlag adds --format.
func formatFlag(cmd *cobra.Command, allowed ...string) *string {
	return choiceFlag(cmd, "format", "form of the result: "+strings.Join(allowed, ", "), allowed...)
}

// formatsOf adds --format with every form in which a kind of result can be written.
func formatsOf(cmd *cobra.Command, writes func(report.Format) bool) *string {
	var names []string
	for _, f := range report.Formats() {
		if writes(f) {
			names = append(names, f.Name)
		}
	}
	return formatFlag(cmd, names...)
}

func writesTrace(f report.Format) bool   { return f.Trace != nil }
func writesCompare(f report.Format) bool { return f.Compare != nil }
func writesLoad(f report.Format) bool    { return f.Load != nil }

// pageWidth is how wide reports are where nothing says how wide the page is.
const pageWidth = 120

// writeIn writes a result in the form that was asked for, as wide as the page.
func writeIn(env Env, format string, write func(f report.Format, width int) error) error {
	width := cmp.Or(env.width(), pageWidth)
	for _, f := range report.Formats() {
		if f.Name == format {
			return write(f, width)
		}
	}
	return nil
}
