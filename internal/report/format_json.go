package report

import (
	"encoding/json"
	"io"

	"switchyard/internal/load"
)

func init() {
	register(Format{
		Name:    "json",
		Trace:   func(w io.Writer, t *Trace, _ int) error { return t.WriteJSON(w) },
		Compare: func(w io.Writer, c *Compare, _ int) error { return c.WriteJSON(w) },
		Load:    func(w io.Writer, r *load.Result, _ int) error { return WriteJSON(w, r) },
	})
}

// WriteJSON writes the schema switchyard.trace/1.
func (t *Trace) WriteJSON(w io.Writer) error { return WriteJSON(w, t) }

// WriteJSON writes the whole result, indented.
func (c *Compare) WriteJSON(w io.Writer) error { return WriteJSON(w, c) }

// WriteJSON writes any result, indented, for people and programs alike. It leaves <, > and & as
// they are: what is written is no part of a page.
func WriteJSON(w io.Writer, result any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(result)
}
