package report

import (
	"cmp"
	"io"
	"slices"

	"switchyard/internal/load"
)

// A Format is a form in which results are written. Each is one file of this package that registers
// itself; commands offer all that can write their kind of result.
type Format struct {
	// Name is what --format takes.
	Name string
	// Trace writes what a trace, or a recording read again, has found; nil where this form has
	// nothing to say of it. width is in columns of a terminal.
	Trace func(w io.Writer, t *Trace, width int) error
	// Compare does the same for a comparison of models.
	Compare func(w io.Writer, c *Compare, width int) error
	// Load does the same for what the clients of a load generator saw.
	Load func(w io.Writer, r *load.Result, width int) error
}

// formats is filled by the init functions of the files format_*.go, and only read afterwards.
var formats []Format

// first is the form that a command writes unless told.
const first = "text"

func register(f Format) { formats = append(formats, f) }

// Formats lists every form: text first, the others by name.
func Formats() []Format {
	list := slices.Clone(formats)
	slices.SortFunc(list, func(a, b Format) int {
		if (a.Name == first) != (b.Name == first) {
			if a.Name == first {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Name, b.Name)
	})
	return list
}
