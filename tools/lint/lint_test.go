package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWideGo(t *testing.T) {
	long := strings.Repeat("x", 100)
	words := strings.Repeat("word ", 25)
	for name, test := range map[string]struct {
		src  string
		want int
	}{
		"nothing":     {"package p\n", 0},
		"100 columns": {"package p\n\nvar " + strings.Repeat("x", 94) + " T\n", 0},
		"101 columns": {"package p\n\nvar " + strings.Repeat("x", 95) + " T\n", 1},
		"a tab is 4": {"package p\n\nfunc f() {\n\t" + strings.Repeat("x", 90) +
			" = 100\n}\n", 0},
		"two tabs are 8": {"package p\n\nfunc f() {\n\t{\n\t\t" + strings.Repeat("x",
			90) + " = 100\n\t}\n}\n", 1},
		"columns are no bytes":    {"package p\n\n// " + strings.Repeat("µ ", 48) + "\n", 0},
		"a comment":               {"package p\n\n// " + words + "\n", 1},
		"a comment of one word":   {"package p\n\n// https://" + long + "\n", 0},
		"a comment behind":        {"package p\n\nvar x = 1 // " + words + "\n", 1},
		"a string":                {"package p\n\nvar x = f(\"" + words + "\")\n", 0},
		"a string, and more":      {"package p\n\nvar x = f(\"" + words + "\", y)\n", 1},
		"a string, and a comment": {"package p\n\nvar x = f(\"" + words + "\") // why\n", 1},
		"a string before the margin": {"package p\n\nvar x = f(\"a\", " + strings.Repeat("a, ",
			30) + ")\n", 1},
		"a string behind the margin": {"package p\n\nvar x = f(" + strings.Repeat("a, ", 32) +
			"\"b\")\n", 1},
		"the inside of a raw string": {"package p\n\nvar x = `a\n" + words + "\nb`\n", 0},
		"an output": {"package p\n\nfunc Example() {\n\t// Output:\n\t// a\n\t// " + words +
			"\n}\n",
			0},
		"a directive": {"package p\n\n//go:generate " + words + "\n", 0},
		"a string, then one that fits": {"package p\n\nvar x = f(\"" + words +
			"\") + g(\"a\")\n", 1},
	} {
		if got, err := wideGo("x.go", []byte(test.src)); err != nil || len(got) != test.want {
			t.Errorf("%s: %v, %v, want %d", name, got, err, test.want)
		}
	}
	if _, err := wideGo("x.go", []byte("package p\n\nvar x = \"\n")); err == nil {
		t.Error("a string without end")
	}
}

func TestWideC(t *testing.T) {
	for src, want := range map[string]int{
		"int x;\n": 0, "\t" + strings.Repeat("x ", 46) + "\n": 0, "\t" + strings.Repeat("x ", 47) +
			"\n": 1,
		" * https://" + strings.Repeat("x", 100) + "\n": 0,
	} {
		if got := wideC("x.c", []byte(src)); len(got) != want {
			t.Errorf("%q: %v, want %d", src, got, want)
		}
	}
}

func TestImportOrder(t *testing.T) {
	for name, test := range map[string]struct {
		imports string
		want    int
	}{
		"none": {"", 0},
		"one":  {`import "fmt"`, 0},
		"three groups": {"import (\n\t\"fmt\"\n\t\"go/ast\"\n\n\t\"golang.org/x/y\"\n\n\t\"switchyard\"\n\tz \"switchyard/z\"\n)",
			0},
		"two":                {"import (\n\t\"fmt\"\n\n\t_ \"switchyard/z\"\n)", 0},
		"ours before theirs": {"import (\n\t\"switchyard/z\"\n\n\t\"golang.org/x/y\"\n)", 1},
		"no empty line":      {"import (\n\t\"fmt\"\n\t\"switchyard/z\"\n)", 1},
		"one too many":       {"import (\n\t\"fmt\"\n\n\t\"go/ast\"\n)", 1},
		"with a comment": {"import (\n\t\"fmt\"\n\n\t// why\n\t_ \"switchyard/z\" // so\n\t\"switchyard/y\"\n)",
			0},
	} {
		if got := importOrder("x.go", []byte("package p\n\n"+test.imports+"\n")); len(got) !=
			test.want {
			t.Errorf("%s: %v, want %d", name, got, test.want)
		}
	}
}

// What people write is looked at, and what is made or is a test's data is not.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const narrow = "package p\n"
	wide := narrow + "\n// " + strings.Repeat("word ", 25) + "\n"
	write("a.go", narrow)
	write("b_bpfel.go", wide)
	write("testdata/c.go", wide)
	if err := run(dir); err != nil {
		t.Error(err)
	}
	write("below/d.go", wide)
	if err := run(dir); err == nil {
		t.Error("a wide file passes")
	}
}
