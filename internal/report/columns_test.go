package report

import (
	"strings"
	"testing"
)

// Columns are as wide as what stands in them on a terminal, up to a row that is one line.
func TestWriteColumns(t *testing.T) {
	var b strings.Builder
	err := WriteColumns(&b, " ", [][]string{
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
