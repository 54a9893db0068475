package main

import (
	"cmp"
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
func writeJSON(w io.Writer, v any) error { return report.WriteJSON(w, v) }

// writeTable writes rows in columns. Where nobody says how wide the page is each row is one line,
// as grep(1) wants it.
func (e Env) writeTable(rows [][]string) error {
	return report.WriteTable(e.Stdout, e.width(), rows)
}

// checked is standard output. It says of an error that it came while a result was written, and
// remembers it: libraries that write help and scripts do not look.
type checked struct {
	io.Writer
	err error
}

func (c *checked) Write(b []byte) (int, error) {
	n, err := c.Writer.Write(b)
	if err != nil {
		err = fmt.Errorf("write result: %w", err)
		c.err = cmp.Or(c.err, err)
	}
	return n, err
}
