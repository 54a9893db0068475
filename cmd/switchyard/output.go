package main

import (
	"encoding/json"
	"fmt"
	"io"

	"switchyard/internal/report"
)

// say writes one line to standard error. What it names may come from outside and
// cannot reach the terminal as an escape.
func (e Env) say(format string, args ...any) {
	fmt.Fprintln(e.Stderr, report.OneLine(fmt.Sprintf(format, args...)))
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
	clean := make([][]string, len(rows))
	for i, row := range rows {
		for _, cell := range row {
			clean[i] = append(clean[i], report.OneLine(cell))
		}
	}
	if err := report.WriteColumns(w, "", clean); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}
