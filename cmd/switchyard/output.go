package main

import (
	"fmt"
	"io"

	"switchyard/internal/report"
)

// say writes one line to standard error. What it names may come from outside and
// cannot reach the terminal as an escape.
func (e Env) say(format string, args ...any) {
	fmt.Fprintln(e.Stderr, report.OneLine(fmt.Sprintf(format, args...)))
}

// writeJSON writes a result, indented.
func writeJSON(w io.Writer, v any) error { return written(report.WriteJSON(w, v)) }

// writeTable writes rows in columns. Where nobody says how wide the page is each row is one line,
// as grep(1) wants it.
func (e Env) writeTable(rows [][]string) error {
	return written(report.WriteTable(e.Stdout, e.width(), rows))
}

// written says of an error that it came while a result was written.
func written(err error) error {
	if err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}
