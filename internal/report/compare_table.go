package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"switchyard/trace/event"
)

// WriteText writes the result for a terminal of so many columns: one table where it fits (109
// columns), otherwise two or more, one below the other. Failed checks come first.
func (c *Compare) WriteText(w io.Writer, width int) error {
	var b strings.Builder
	for _, line := range c.failures() {
		writeWrapped(&b, width, "%s", line)
	}
	for _, made := range c.tables(width) {
		b.WriteString(made + "\n\n")
	}
	for _, line := range c.Summary() {
		writeWrapped(&b, width, "%s", line)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// tables draws all columns in one table where that is not too wide, or those of every comparison,
// otherwise each part in as few as it fits in.
func (c *Compare) tables(width int) []string {
	all := c.columns()
	if whole, fits := c.table(all, width); fits {
		return []string{whole}
	}
	var made []string
	parts := [][]column{ofPart(all, 1), ofPart(all, 2), ofPart(all, 3)}
	if both := ofPart(all, 1, 2); len(both) < len(all) {
		if _, fits := c.table(both, width); fits {
			parts = [][]column{both, parts[2]}
		}
	}
	for _, rest := range parts {
		for len(rest) > 0 {
			n := len(rest)
			drawn, fits := c.table(rest, width)
			for n > 1 && !fits {
				if n--; !rest[n].joint {
					drawn, fits = c.table(rest[:n], width)
				}
			}
			made, rest = append(made, drawn), rest[n:]
		}
	}
	return made
}

// table draws some columns, and says whether they fit.
func (c *Compare) table(some []column, width int) (drawn string, fits bool) {
	t := sheet{aligns: []text.Align{text.AlignLeft}, head: table.Row{"model\n"}}
	for _, col := range some {
		t.head = append(t.head, col.head)
	}
	for _, r := range c.Models {
		row := table.Row{label{Printable(r.Model), ""}}
		for _, col := range some {
			row = append(row, col.text(r))
		}
		t.rows = append(t.rows, row)
	}
	if drawn, _ = t.render(1 << 20); text.LongestLineLen(drawn) <= width {
		return drawn, true
	}
	drawn, _ = t.render(width)
	return drawn, false
}

// failures are the lines that must come before anything else.
func (c *Compare) failures() []string {
	var lines []string
	for _, r := range c.Models {
		for _, k := range r.Checks {
			if k.Status == event.Fail {
				lines = append(lines,
					fmt.Sprintf("CHECK FAILED: %s, %s: %s", Printable(r.Model), k.Name,
						Difference(k)))
			}
		}
		if r.LostEvents > 0 {
			lines = append(lines,
				fmt.Sprintf("LOST EVENTS: %s: %d; its traced columns are lower bounds",
					Printable(r.Model), r.LostEvents))
		}
	}
	return lines
}
