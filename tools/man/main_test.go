package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// build builds the program whose pages are to be written.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "switchyard")
	if out, err := exec.Command("go", "build", "-o", program,
		"switchyard/cmd/switchyard").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

func TestManualPages(t *testing.T) {
	program := build(t)
	dir := filepath.Join(t.TempDir(), "man", "man1")
	for range 2 { // again over what is there
		if err := writeAll(program, dir); err != nil {
			t.Fatal(err)
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
		for _, section := range []string{".TH ", ".SH NAME\n", ".SH SYNOPSIS\n",
			".SH DESCRIPTION\n", ".SH EXIT STATUS\n", ".SH EXAMPLES\n"} {
			if !strings.Contains(string(page), section) {
				t.Errorf("%s: no %q", e.Name(), section)
			}
		}
		if n := strings.Count(string(page), `\fB\-h, \-\-help\fR`); n != 1 {
			t.Errorf("%s: --help is there %d times", e.Name(), n)
		}
	}
	for _, want := range []string{"switchyard.1", "switchyard-serve.1", "switchyard-load.1",
		"switchyard-completion-bash.1"} {
		if !slices.Contains(names, want) {
			t.Errorf("no %s in %q", want, names)
		}
	}
	serve, _ := os.ReadFile(filepath.Join(dir, "switchyard-serve.1"))
	for _, want := range []string{
		"switchyard\\-serve \\- run one server design\n", ".B switchyard serve MODEL [flags]\n",
		`\fB\-\-ready\-fd\fR fd`, `(default "127.0.0.1:8080")`, `\fB\-q, \-\-quiet\fR`,
		"inherited descriptor that gets one byte, and is closed, when connections are served\n",
	} {
		if !strings.Contains(string(serve), want) {
			t.Errorf("switchyard-serve.1: no %q in:\n%s", want, serve)
		}
	}
	if strings.Contains(string(serve), "spins") {
		t.Error("a hidden flag is in the page")
	}
	if err := writeAll(program, filepath.Join(dir, "switchyard.1", "below")); err == nil {
		t.Error("a file is a directory")
	}
}

func TestParse(t *testing.T) {
	h, err := parse("Do it.\n\nTwice.\n\nUsage:\n  p do [flags]\n\nFlags:\n      --a b   c\n              d\n  -h, --help   e\n\nExamples:\n  p do\n    | q\n")
	if err != nil || !slices.Equal(h.description, []string{"Do it.", "Twice."}) ||
		h.usage != "p do [flags]" ||
		!slices.Equal(h.flags, []item{{"--a b", "c d"}, {"-h, --help", "e"}}) ||
		!slices.Equal(h.examples, []string{"p do", "  | q"}) {
		t.Errorf("%+v, %v", h, err)
	}
	for name, text := range map[string]string{
		"nothing":             "",
		"no examples":         "Do.\n\nUsage:\n  p\n",
		"an unknown section":  "Do.\n\nUsage:\n  p\n\nBugs:\n  none\n\nExamples:\n  p\n",
		"no title":            "Do.\n\nUsage:\n  p\n\nnothing\n",
		"a flag without text": "Do.\n\nUsage:\n  p\n\nFlags:\n  --x\n\nExamples:\n  p\n",
	} {
		if h, err := parse(text); err == nil {
			t.Errorf("%s: %+v", name, h)
		}
	}
}

// A program that has no help, or none at all, is an error that says which.
func TestNoHelp(t *testing.T) {
	for program, want := range map[string]string{
		"false":                    "false --help: ",
		"true":                     "true --help: it has no usage",
		filepath.Join("/", "none"): "none --help: ",
	} {
		if err := writeAll(program, t.TempDir()); err == nil || !strings.Contains(err.Error(),
			want) {
			t.Errorf("%s: %v, want %q", program, err, want)
		}
	}
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
