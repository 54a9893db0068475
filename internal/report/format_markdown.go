package report

import (
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

func init() {
	register(Format{
		Name:    "markdown",
		Compare: func(w io.Writer, c *Compare, _ int) error { return c.WriteMarkdown(w) },
	})
}

// WriteMarkdown writes the table for a document.
func (c *Compare) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	for _, line := range c.failures() {
		b.WriteString("**" + markdown(line) + "**\n\n")
	}
	t := newTable(text.AlignLeft)
	head := table.Row{"model"}
	columns := c.columns()
	for _, col := range columns {
		head = append(head, markdown(col.key))
	}
	t.AppendHeader(head)
	for _, r := range c.Models {
		row := table.Row{"`" + strings.ReplaceAll(Printable(r.Model), "`", "'") + "`"}
		for _, col := range columns {
			row = append(row, strings.Join(strings.Fields(col.text(r)), " "))
		}
		t.AppendRow(row)
	}
	b.WriteString(t.RenderMarkdown() + "\n")
	b.WriteString("\n")
	for _, line := range c.Summary() {
		b.WriteString("- " + markdown(line) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// markdown is a sentence with nothing in it that means more than itself.
func markdown(line string) string {
	return markup.Replace(Printable(line))
}

var markup = strings.NewReplacer("<", "&lt;", "*", "\\*", "_", "\\_", "[", "\\[", "`", "'")
