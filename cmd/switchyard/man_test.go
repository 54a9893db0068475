package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestManualPages(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man", "man1")
	for range 2 { // again over what is there
		if o := runCommand(t, "man", dir); o.code != exitDone || o.stdout+o.stderr != "" {
			t.Fatalf("man: %+v", o)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
		page, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, section := range []string{".TH ", ".SH NAME\n", ".SH SYNOPSIS\n", ".SH DESCRIPTION\n", ".SH EXIT STATUS\n", ".SH EXAMPLES\n"} {
			if !strings.Contains(string(page), section) {
				t.Errorf("%s: no %q", e.Name(), section)
			}
		}
	}
	for _, want := range []string{"switchyard.1", "switchyard-serve.1", "switchyard-load.1", "switchyard-completion-bash.1"} {
		if !slices.Contains(names, want) {
			t.Errorf("no %s in %q", want, names)
		}
	}
	if slices.Contains(names, "switchyard-man.1") {
		t.Error("a hidden command has a page")
	}
	serve, _ := os.ReadFile(filepath.Join(dir, "switchyard-serve.1"))
	for _, want := range []string{`\fB\-\-ready\-fd\fR fd`, `(default 127.0.0.1:8080)`, `\fB\-q, \-\-quiet\fR`} {
		if !strings.Contains(string(serve), want) {
			t.Errorf("switchyard-serve.1: no %q in:\n%s", want, serve)
		}
	}
	if strings.Contains(string(serve), "spins") {
		t.Error("a hidden flag is in the page")
	}
	mustFail(t, exitFailed, []string{"man", filepath.Join(dir, "switchyard.1", "below")}, "write manual pages")
}

func TestRoff(t *testing.T) {
	for in, want := range map[string]string{
		"a-b":            `a\-b`,
		`\fB`:            `\efB`,
		".SH x\n'y\nz.w": "\\&.SH x\n\\&'y\nz.w",
	} {
		if got := roff(in); got != want {
			t.Errorf("roff(%q) = %q, want %q", in, got, want)
		}
	}
}
