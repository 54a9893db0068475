package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// say writes one line to standard error. What it names may come from outside and
// cannot reach the terminal as an escape.
func (e Env) say(format string, args ...any) {
	fmt.Fprintln(e.Stderr, oneLine(fmt.Sprintf(format, args...)))
}

// writeJSON writes v, indented, for people and programs alike.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

// writeTable writes rows in columns. What stands in a cell may come from
// outside and cannot break the table or reach the terminal as an escape.
func writeTable(w io.Writer, rows [][]string) error {
	// The columns are few and hold plain text, for which the standard
	// library's writer is enough; borders and colours would only have to be
	// taken out again by whoever pipes the table on.
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		clean := make([]string, len(row))
		for i, cell := range row {
			clean[i] = oneLine(cell)
		}
		// A cell is ended by a tab; the last has none, so that no line ends in
		// blanks.
		for len(clean) > 1 && clean[len(clean)-1] == "" {
			clean = clean[:len(clean)-1]
		}
		fmt.Fprintln(tw, strings.Join(clean, "\t"))
	}
	if err := tw.Flush(); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}
