package report

import (
	"strings"
	"testing"
)

// Columns are as wide as what stands in them on a terminal, up to a row that is one line.
func TestWriteColumns(t *testing.T) {
	var b strings.Builder
	err := WriteColumns(&b, " ", 0, [][]string{
		{"a", "bb", "c"}, {"wide", "", ""}, {"日本", "x"}, {"aaaa", "", "y"},
		{"a line by itself, which makes no column wide"}, {"a", "b"}, {"", "c"},
	})
	const want = ` a  bb  c
 wide
 日本  x
 aaaa     y
 a line by itself, which makes no column wide
 a  b
    c
`
	if err != nil || b.String() != want {
		t.Errorf("%v\n%s\nwant\n%s", err, b.String(), want)
	}
}

// On a narrow page it is the long cells that are broken, at blanks, and never a word.
func TestWriteColumnsOnANarrowPage(t *testing.T) {
	rows := [][]string{
		{"MODEL", "AT ONCE", "SYSTEM CALLS", "DESIGN"},
		{"poll/epoll", "10000", "epoll_wait accept4 read write", "one loop that waits with epoll_wait"},
		{"", "", "", "not here: it has 3 descriptors"},
	}
	const want = `MODEL       AT ONCE  SYSTEM CALLS    DESIGN
poll/epoll  10000    epoll_wait      one loop that
                       accept4 read    waits with
                       write           epoll_wait
                                     not here: it has
                                       3 descriptors
`
	var b strings.Builder
	if err := WriteColumns(&b, "", 55, rows); err != nil || b.String() != want {
		t.Errorf("%v\n%s\nwant\n%s", err, b.String(), want)
	}
}
