package report

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// A sheet is a table in the making: columns are as wide as what they hold. Where that is too much
// for the page labels get shorter, and then spare columns are left out. No cell is broken into
// lines but the head.
type sheet struct {
	aligns []text.Align // of the first columns; the others are numbers
	head   table.Row
	rows   []table.Row
	total  int     // rows from there on stand below a line; 0: none do
	spares []spare // in the order in which they go
}

// A spare is what a reader can do without: columns by number, and what they are, in words.
type spare struct {
	what    string
	columns []int
}

// render makes the table, no wider than width if short labels and few columns are enough for that,
// and says what was left out.
func (s *sheet) render(width int) (made string, left []string) {
	widest, rest := s.labels()
	var without []int
	for i := 0; ; i++ {
		least := rest + legible
		if i == len(s.spares) {
			least = shortest
		}
		made = s.drawn(widest, without)
		for w := widest - 1; w >= least && text.LongestLineLen(made) > width; w-- {
			made = s.drawn(w, without)
		}
		if i == len(s.spares) || text.LongestLineLen(made) <= width {
			return made, left
		}
		without = append(without, s.spares[i].columns...)
		left = append(left, s.spares[i].what)
	}
}

// labels is how long the longest label is, and the longest of what follows a name.
func (s *sheet) labels() (widest, rest int) {
	for _, row := range s.rows {
		for _, cell := range row {
			if l, ok := cell.(label); ok {
				widest = max(widest, utf8.RuneCountInString(l.String()))
				if l.name != "" {
					rest = max(rest, utf8.RuneCountInString(l.rest))
				}
			}
		}
	}
	return widest, rest
}

// drawn makes the table with labels of that width, and without some columns.
func (s *sheet) drawn(width int, without []int) string {
	var aligns []text.Align
	for i, a := range s.aligns {
		if !slices.Contains(without, i) {
			aligns = append(aligns, a)
		}
	}
	kept := func(row table.Row) (cells table.Row) {
		for i, cell := range row {
			if slices.Contains(without, i) {
				continue
			}
			if l, ok := cell.(label); ok {
				cell = l.cut(width)
			}
			cells = append(cells, cell)
		}
		return cells
	}
	t := newTable(aligns...)
	t.AppendHeader(kept(s.head))
	for i, row := range s.rows {
		if s.total > 0 && i == s.total {
			t.AppendSeparator()
		}
		t.AppendRow(kept(row))
	}
	return trimmed(t.Render())
}

// write writes the table, and in a line below it what was left out of it and who has that.
func (s *sheet) write(b *strings.Builder, width int) {
	made, left := s.render(width)
	b.WriteString(made + "\n")
	if len(left) > 0 {
		writeWrapped(b, width, "Not shown, for want of room: %s (a wider terminal shows more, "+
			"--format json all).", strings.Join(left, ", "))
	}
}

// trimmed takes from a table the blanks at the ends of its lines, and of a line made of dashes the
// one that is above a blank.
func trimmed(made string) string {
	var b strings.Builder
	for line := range strings.Lines(made) {
		line = strings.TrimRight(line, " \n")
		if strings.Trim(line, "─") == "" {
			line = strings.TrimSuffix(line, "─")
		}
		b.WriteString(line + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}
