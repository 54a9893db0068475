// Lint keeps the form of the source: lines of at most 100 columns in Go and C, imports in one
// order, C as clang-format has it. make lint runs it.
//
//	go run ./tools/lint [DIR]
//
// A tab counts as 4 columns in Go and as 8 in C. A line may be longer when there is no good place
// to break it: inside a string, since a message that is cut in two is found by nobody; at the first
// word of a comment, such as an address; in a raw string; in a directive; in what an example
// writes. What follows the string on its line may be punctuation only.
//
// Imports stand in up to three groups, with an empty line between them: of the standard library, of
// others, of this module.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	flag.Parse()
	dir := "."
	if flag.NArg() > 0 {
		dir = flag.Arg(0)
	}
	if err := run(dir); err != nil {
		fmt.Fprintf(os.Stderr, "lint: %v\n", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	files, err := sources(dir)
	if err != nil {
		return err
	}
	var all []fault
	for _, name := range files {
		src, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		var found []fault
		if strings.HasSuffix(name, ".go") {
			found, err = wideGo(name, src)
			order := importOrder(name, src)
			all = append(all, order...)
		} else {
			found = wideC(name, src)
		}
		if err != nil {
			return err
		}
		all = append(all, found...)
	}
	c, err := formatC(dir, files)
	if err != nil {
		return err
	}
	all = append(all, c...)
	for _, f := range all {
		fmt.Println(f)
	}
	if len(all) > 0 {
		return fmt.Errorf("%d faults of form", len(all))
	}
	return nil
}

// A fault is where the form is another.
type fault struct {
	file string
	line int
	what string
}

func (f fault) String() string { return fmt.Sprintf("%s:%d: %s", f.file, f.line, f.what) }

// sources lists the Go and C files that people write, below a directory.
func sources(dir string) (files []string, err error) {
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if base := d.Name(); name != dir && (strings.HasPrefix(base, ".") ||
				strings.HasPrefix(base, "_") || base == "testdata") {
				return fs.SkipDir
			}
			return nil
		case strings.HasSuffix(name, "_bpfel.go"):
			return nil // generated
		case slices.Contains([]string{".go", ".c", ".h"}, filepath.Ext(name)):
			below, err := filepath.Rel(dir, name)
			files = append(files, filepath.ToSlash(below))
			return err
		}
		return nil
	})
	return files, err
}

// formatC asks clang-format what it would change, where there is one to ask.
func formatC(dir string, files []string) ([]fault, error) {
	const program = "clang-format-19"
	if _, err := exec.LookPath(program); err != nil {
		fmt.Println("lint: SKIPPED: C files (there is no " + program + ")")
		return nil, nil
	}
	faults := []fault{}
	for _, name := range files {
		if strings.HasSuffix(name, ".go") {
			continue
		}
		src, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		cmd := exec.Command(program, name)
		cmd.Dir = dir
		cmd.Stderr = os.Stderr
		want, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", program, name, err)
		}
		if line := differs(src, want); line > 0 {
			faults = append(faults, fault{file: name, line: line,
				what: "clang-format would change it: " + program + " -i " + name})
		}
	}
	return faults, nil
}

// differs returns the number of the first line that is another; 0 if there is none.
func differs(a, b []byte) int {
	if bytes.Equal(a, b) {
		return 0
	}
	x, y := bytes.Split(a, []byte("\n")), bytes.Split(b, []byte("\n"))
	for i := range x {
		if i >= len(y) || !bytes.Equal(x[i], y[i]) {
			return i + 1
		}
	}
	return len(x)
}
