package report

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// A label is what a task is called in a cell: its name, which may be shortened where there is no
// room, and what follows the name and is always whole, its number or a mark.
type label struct{ name, rest string }

// who is a task with its number, 0 if that is not known.
func who(name string, tid int) label {
	if tid == 0 {
		return label{Printable(name), ""}
	}
	return label{Printable(name), " " + strconv.Itoa(tid)}
}

func (l label) String() string { return l.name + l.rest }

// shortest is how many characters are left of a name, the sign that it was shortened included.
const shortest = 3

// cut is the label in so many columns, or in a few more if its rest is as long.
func (l label) cut(width int) string {
	room := max(shortest, width-utf8.RuneCountInString(l.rest))
	if utf8.RuneCountInString(l.name) <= room {
		return l.String()
	}
	return string([]rune(l.name)[:room-1]) + "…" + l.rest
}

// A sheet is a table in the making: columns are as wide as what they hold, and where that is too
// much for the page it is the labels that get shorter. No cell is broken into lines but the head.
type sheet struct {
	aligns []text.Align // of the first columns; the others are numbers
	head   table.Row
	rows   []table.Row
	total  int // rows from there on stand below a line; 0: none do
}

// render makes the table, no wider than width if shorter labels are enough for that.
func (s *sheet) render(width int) string {
	widest := 0
	for _, row := range s.rows {
		for _, cell := range row {
			if l, ok := cell.(label); ok {
				widest = max(widest, utf8.RuneCountInString(l.String()))
			}
		}
	}
	for {
		made := s.labelled(widest)
		over := text.LongestLineLen(made) - width
		if over <= 0 || widest <= shortest {
			return made
		}
		widest--
	}
}

// labelled makes the table with labels of that width.
func (s *sheet) labelled(width int) string {
	t := newTable(s.aligns...)
	t.AppendHeader(s.head)
	for i, row := range s.rows {
		if s.total > 0 && i == s.total {
			t.AppendSeparator()
		}
		cells := make(table.Row, len(row))
		for j, cell := range row {
			if l, ok := cell.(label); ok {
				cell = l.cut(width)
			}
			cells[j] = cell
		}
		t.AppendRow(cells)
	}
	return trimmed(t.Render())
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
