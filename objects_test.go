package switchyard_test

import (
	"go/ast"
	"os"
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

// TestProbesStandAlone: what the example of docs/adding.md counts has a name in its own file and
// nowhere else, so that the next one needs no other file either.
func TestProbesStandAlone(t *testing.T) {
	const own, column = "trace/probe_fault.go", "fault_exceptions"
	_, all := sources(t)
	seen := false
	for _, s := range all {
		text, err := os.ReadFile(s.name)
		if err != nil {
			t.Fatal(err)
		}
		switch has := strings.Contains(string(text), column); {
		case s.name == own:
			seen = has
		case has && !s.test:
			t.Errorf("%s knows %s of %s", s.name, column, own)
		}
	}
	if !seen {
		t.Errorf("%s does not have %s", own, column)
	}
}
