package main

import (
	"strconv"

	"golang.org/x/term"
)

// width is how many columns the page has on which results are written: the terminal's, or, as for
// ls(1), what the variable COLUMNS says where standard output is none, or does not know its size. 0
// is not known.
func (e Env) width() int {
	if e.StdoutTerminal {
		if w, _, err := term.GetSize(1); err == nil && w > 0 {
			return w
		}
	}
	if e.Getenv == nil {
		return 0
	}
	w, err := strconv.ParseUint(e.Getenv("COLUMNS"), 10, 16)
	if err != nil {
		return 0
	}
	return int(w)
}
