package main

import (
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/text"
)

// COLUMNS says how wide the page is where standard output is no terminal.
func TestColumns(t *testing.T) {
	for value, want := range map[string]int{
		"": 0, "80": 80, "1": 1, "0": 0, "-80": 0, "80 ": 0, "eighty": 0, "70000": 0,
	} {
		env := Env{Getenv: func(name string) string {
			if name != "COLUMNS" {
				return ""
			}
			return value
		}}
		if got := env.width(); got != want {
			t.Errorf("COLUMNS=%q: %d columns, want %d", value, got, want)
		}
	}
}

// Lists are as wide as the page if somebody says how wide that is, and otherwise a line for each
// entry.
func TestListsFitThePage(t *testing.T) {
	for _, args := range [][]string{{"models"}, {"probes"}, {"doctor"}} {
		for _, columns := range []string{"", "80", "200"} {
			var stdout strings.Builder
			code := Main(Env{Args: args, Stdout: &stdout, Stderr: new(strings.Builder),
				Getenv: func(string) string { return columns }})
			if code != exitDone {
				t.Fatalf("%s: exit code %d", args, code)
			}
			n := text.LongestLineLen(stdout.String())
			if columns == "80" && n > 80 || columns == "200" && n > 200 ||
				columns == "" && n < 120 {
				t.Errorf("%s with COLUMNS=%s: a line of %d columns:\n%s", args, columns, n, &stdout)
			}
			for line := range strings.Lines(stdout.String()) {
				if strings.TrimRight(line, " \n")+"\n" != line {
					t.Errorf("%s: %q ends in blanks", args, line)
				}
			}
		}
	}
}
