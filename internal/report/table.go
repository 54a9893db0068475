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
// Where lines would be wider than width cells are broken into lines, at blanks; a width of 0 lets
// each row be a line.
func WriteColumns(w io.Writer, indent string, width int, rows [][]string) error {
	var b strings.Builder
	put := func(lines string) {
		for line := range strings.Lines(lines) {
			b.WriteString(strings.TrimRight(indent+line, " \n") + "\n")
		}
	}
	room := max(0, width-len(indent))
	var block [][]string
	for _, row := range rows {
		for len(row) > 1 && row[len(row)-1] == "" {
			row = row[:len(row)-1]
		}
		if len(row) < 2 {
			put(columnTable(block, room))
			block = nil
			put(strings.Join(row, "") + "\n")
			continue
		}
		block = append(block, row)
	}
	put(columnTable(block, room))
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteTable is WriteColumns of rows whose cells may come from outside: none can break the table or
// reach the terminal as an escape.
func WriteTable(w io.Writer, width int, rows [][]string) error {
	clean := make([][]string, len(rows))
	for i, row := range rows {
		for _, cell := range row {
			clean[i] = append(clean[i], OneLine(cell))
		}
	}
	return WriteColumns(w, "", width, clean)
}

// columnTable is a table without any lines, in columns two blanks apart.
func columnTable(rows [][]string, width int) string {
	const gap = "  "
	t := table.NewWriter()
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", gap
	t.SetStyle(style)
	widths := columnWidths(rows, width, len(gap))
	for _, row := range rows {
		cells := make(table.Row, len(row))
		for i, cell := range row {
			if text.StringWidthWithoutEscSequences(cell) > widths[i] {
				cell = strings.Join(wrap(cell, widths[i]), "\n")
			}
			cells[i] = cell
		}
		t.AppendRow(cells)
	}
	return t.Render()
}

// narrowest is how wide a column of text is at least, if what it holds is as wide.
const narrowest = 16

// columnWidths is how wide columns may be, so many blanks apart, so that all together are no wider
// than width if that can be: the widest ones give way. With a width of 0 none does.
func columnWidths(rows [][]string, width, gap int) []int {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], text.StringWidthWithoutEscSequences(cell))
		}
	}
	if width == 0 {
		return widths
	}
	all := gap * (len(widths) - 1)
	for _, n := range widths {
		all += n
	}
	for ; all > width; all-- {
		widest := 0
		for i, n := range widths {
			if n > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= narrowest {
			break
		}
		widths[widest]--
	}
	return widths
}
