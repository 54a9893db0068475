package trace

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestObjectsLoaded: every object that is built and embedded is loaded by somebody. A generated file that nobody refers to
// compiles, and no linter looks into it.
func TestObjectsLoaded(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob("switchcost/*.go")
	if err != nil || len(more) == 0 {
		t.Fatal(more, err)
	}
	files = append(files, more...)
	made, used := make(map[string]string), make(map[string]bool)
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		generated := strings.HasSuffix(name, "_bpfel.go")
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if f := n.Name.Name; generated && strings.HasPrefix(f, "load") && !strings.HasSuffix(f, "Objects") {
					made[f] = name
				}
			case *ast.Ident:
				if !generated && !strings.HasSuffix(name, "_test.go") {
					used[n.Name] = true
				}
			}
			return true
		})
	}
	if len(made) == 0 {
		t.Fatal("no generated file has a function that loads its object")
	}
	for f, name := range made {
		if !used[f] {
			t.Errorf("nobody calls %s of %s: its programs are in no kernel", f, name)
		}
	}
}
