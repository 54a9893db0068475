package report

import (
	"strconv"
	"unicode/utf8"
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

// shortest is how many characters are left of a name, the sign that it was shortened included, and
// legible how many there are for as long as something else can go.
const (
	shortest = 3
	legible  = 8
)

// cut is the label in so many columns, or in a few more if its rest is as long.
func (l label) cut(width int) string {
	room := max(shortest, width-utf8.RuneCountInString(l.rest))
	if utf8.RuneCountInString(l.name) <= room {
		return l.String()
	}
	return string([]rune(l.name)[:room-1]) + "…" + l.rest
}
