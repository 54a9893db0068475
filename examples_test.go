package switchyard_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// An example of a public package is one that runs, not only one that compiles, and there is one of
// each thing that a newcomer looks for first.
func TestExamples(t *testing.T) {
	wanted := []string{
		".Register", ".New", "fork.Child", "poll.", "threads.",
		"trace.", "trace.Session_Read", "trace.Session_Forget", "trace.Recorder",
		"trace.WatchThrottling", "trace.Probes",
		"trace/event.", "trace/hist.Histogram", "trace/spool.Recording", "trace/switchcost.Open",
	}
	var found []string
	for _, dir := range append(public, "trace/syscalls") {
		names, err := filepath.Glob(dir + "/*_test.go")
		if err != nil {
			t.Fatal(err)
		}
		fset := token.NewFileSet()
		var files []*ast.File
		for _, name := range names {
			f, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, f)
		}
		for _, e := range doc.Examples(files...) {
			if e.Output == "" && !e.EmptyOutput {
				t.Errorf("%s: Example%s has no Output: it is compiled, and never runs", dir, e.Name)
			}
			found = append(found, strings.TrimPrefix(dir, ".")+"."+e.Name)
		}
	}
	for _, name := range wanted {
		if !slices.Contains(found, name) {
			t.Errorf("there is no example of %s", name)
		}
	}
}
