// Lint keeps the form of the source: lines of at most 100 columns in Go and C, imports in one
// order, C as clang-format has it. make lint runs it.
//
//	go run ./tools/lint [-write] [DIR]
//
// A tab counts as 4 columns in Go and as 8 in C. A line may be longer when there is no good place
// to break it: inside a string, since a message that is cut in two is found by nobody; at the first
// word of a comment, such as an address; in a raw string; in a directive; in what an example
// writes. What follows the string on its line may be punctuation only.
//
// Imports stand in up to three groups, with an empty line between them: of the standard library, of
// others, of this module.
//
// notyet.txt lists the files that have still another form, and only shrinks: a file in it that has
// no fault is one. -write writes it anew.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	write := flag.Bool("write", false, "write tools/lint/notyet.txt anew")
	flag.Parse()
	dir := "."
	if flag.NArg() > 0 {
		dir = flag.Arg(0)
	}
	if err := run(dir, *write); err != nil {
		fmt.Fprintf(os.Stderr, "lint: %v\n", err)
		os.Exit(1)
	}
}

// notYet is the list of files that are allowed to be wide.
const notYet = "tools/lint/notyet.txt"

func run(dir string, write bool) error {
	files, err := sources(dir)
	if err != nil {
		return err
	}
	var all []fault
	late := map[string]bool{} // files that notYet must have
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
		late[f.file] = true
	}
	list := filepath.Join(dir, notYet)
	if write {
		if len(late) == 0 {
			return os.Remove(list)
		}
		return os.WriteFile(list, []byte(strings.Join(slices.Sorted(maps.Keys(late)), "\n")+"\n"),
			0o644)
	}
	allowed, err := os.ReadFile(list)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	may := strings.Fields(string(allowed))
	all = slices.DeleteFunc(all, func(f fault) bool {
		return slices.Contains(may, f.file)
	})
	for _, name := range may {
		if !late[name] && (c != nil || strings.HasSuffix(name, ".go")) {
			all = append(all, fault{file: notYet, what: name + " has no fault, or is gone: take it out"})
		}
	}
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

// formatC asks clang-format what it would change. It returns nil when there is none to ask.
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
