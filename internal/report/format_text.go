package report

import "io"

func init() {
	register(Format{
		Name:    first,
		Trace:   func(w io.Writer, t *Trace, width int) error { return t.WriteText(w, width) },
		Compare: func(w io.Writer, c *Compare, width int) error { return c.WriteText(w, width) },
		Load:    writeLoadText,
	})
}
