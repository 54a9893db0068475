package report

import (
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// newTable is a table as wide as what it holds. It has no lines but the one below its head. The
// first columns have the alignments given, the others are numbers.
func newTable(aligns ...text.Align) table.Writer {
	t := table.NewWriter()
	style := table.StyleDefault
	style.Options = table.Options{SeparateHeader: true}
	style.Box.MiddleHorizontal = "─"
	style.Box.PaddingLeft, style.Box.PaddingRight = "", " "
	style.Box.MiddleVertical = " "
	style.Format.Header, style.Format.Footer = text.FormatDefault, text.FormatDefault
	t.SetStyle(style)
	const most = 32
	configs := make([]table.ColumnConfig, most)
	for i := range configs {
		a := text.AlignRight
		if i < len(aligns) {
			a = aligns[i]
		}
		configs[i] = table.ColumnConfig{Number: i + 1, Align: a, AlignHeader: a}
	}
	t.SetColumnConfigs(configs)
	return t
}

// WriteColumns writes rows of text in columns, without a head, each line behind an indent. A row of
// one cell is a line by itself, and what follows it has columns of its own. No line ends in blanks.
func WriteColumns(w io.Writer, indent string, rows [][]string) error {
	var b strings.Builder
	put := func(lines string) {
		for line := range strings.Lines(lines) {
			b.WriteString(strings.TrimRight(indent+line, " \n") + "\n")
		}
	}
	t := columnTable()
	for _, row := range rows {
		for len(row) > 1 && row[len(row)-1] == "" {
			row = row[:len(row)-1]
		}
		if len(row) < 2 {
			put(t.Render())
			t = columnTable()
			put(strings.Join(row, "") + "\n")
			continue
		}
		cells := make(table.Row, len(row))
		for i, cell := range row {
			cells[i] = cell
		}
		t.AppendRow(cells)
	}
	put(t.Render())
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteTable is WriteColumns of rows whose cells may come from outside: none can break the table or
// reach the terminal as an escape.
func WriteTable(w io.Writer, rows [][]string) error {
	clean := make([][]string, len(rows))
	for i, row := range rows {
		for _, cell := range row {
			clean[i] = append(clean[i], OneLine(cell))
		}
	}
	return WriteColumns(w, "", clean)
}

// columnTable is a table without any lines.
func columnTable() table.Writer {
	t := table.NewWriter()
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	t.SetStyle(style)
	return t
}
