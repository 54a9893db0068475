package switchyard_test

import (
	"go/ast"
	"strings"
	"testing"
)

// TestObjectsLoaded: every object that is built and embedded is loaded by somebody. A generated
// file that nobody refers to compiles, and no linter looks into it.
func TestObjectsLoaded(t *testing.T) {
	made, used := make(map[string]string), make(map[string]bool)
	_, all := sources(t)
	for _, s := range all {
		name, file := s.name, s.file
		if !strings.HasPrefix(s.dir, "trace") {
			continue
		}
		generated := strings.HasSuffix(name, "_bpfel.go")
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if f := n.Name.Name; generated && strings.HasPrefix(f, "load") &&
					!strings.HasSuffix(f, "Objects") {
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
