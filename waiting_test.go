package switchyard_test

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// A test that sleeps where it should wait for a state passes on the machine it was written on. So a
// sleep says, on its line or above it, why there is no state to wait for: "// no state: the window
// that is measured". An example, where a sleep stands for what its reader does, need not.
// internal/testenv waits for states.
func TestSleepsAreNotForAState(t *testing.T) {
	fset, all := sources(t)
	found := 0
	for _, s := range all {
		if !s.test {
			continue
		}
		reasons := map[int]bool{} // lines that have one, and those below
		for _, group := range s.file.Comments {
			if strings.Contains(group.Text(), "no state: ") {
				reasons[fset.Position(group.Pos()).Line] = true
				reasons[fset.Position(group.End()).Line+1] = true
			}
		}
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && strings.HasPrefix(f.Name.Name, "Example") {
				continue
			}
			for _, at := range sleeps(d) {
				found++
				if at := fset.Position(at); !reasons[at.Line] {
					t.Errorf("%s: a sleep: wait for the state it stands for (testenv), or say why"+
						" there is none in a comment, // no state: …", at)
				}
			}
		}
	}
	if found == 0 {
		t.Error("found no sleep at all: this test does not see them")
	}
}

// sleeps lists where a declaration calls time.Sleep, or receives from time.After and from nothing
// else.
func sleeps(d ast.Node) (list []token.Pos) {
	var choices []ast.Node // what a select waits for beside other things
	ast.Inspect(d, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectStmt:
			if len(n.Body.List) > 1 {
				for _, c := range n.Body.List {
					if s, ok := c.(*ast.CommClause).Comm.(*ast.ExprStmt); ok {
						choices = append(choices, s.X)
					}
				}
			}
		case *ast.CallExpr:
			if calls(n, "time", "Sleep") {
				list = append(list, n.Pos())
			}
		case *ast.UnaryExpr:
			c, ok := n.X.(*ast.CallExpr)
			if ok && n.Op == token.ARROW && calls(c, "time", "After") &&
				!slices.Contains(choices, ast.Node(n)) {
				list = append(list, n.Pos())
			}
		}
		return true
	})
	return list
}

// calls reports whether a call is of a package's function.
func calls(c *ast.CallExpr, pkg, name string) bool {
	sel, ok := c.Fun.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != name {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	return ok && x.Name == pkg
}

// A test that fails by what chance gave it says what that was: it is seeded, or it logs.
func TestChanceIsSeededOrTold(t *testing.T) {
	fset, all := sources(t)
	found := 0
	for _, s := range all {
		_, others := s.imports()
		if !s.test || !slices.Contains(others, "math/rand/v2") &&
			!slices.Contains(others, "math/rand") {
			continue
		}
		for _, d := range s.file.Decls {
			var chance []*ast.CallExpr
			told := false
			ast.Inspect(d, func(n ast.Node) bool {
				if c, ok := n.(*ast.CallExpr); ok {
					if sel, ok := c.Fun.(*ast.SelectorExpr); ok {
						told = told || sel.Sel.Name == "Logf" || sel.Sel.Name == "Log"
						if x, ok := sel.X.(*ast.Ident); ok && x.Name == "rand" {
							found++
							if !strings.HasPrefix(sel.Sel.Name, "New") {
								chance = append(chance, c)
							}
						}
					}
				}
				return true
			})
			if len(chance) > 0 && !told {
				t.Errorf("%s: what chance gives here nobody learns: seed it (rand.New), or log it",
					fset.Position(chance[0].Pos()))
			}
		}
	}
	if found == 0 {
		t.Error("found no use of chance at all: this test does not see it")
	}
}
