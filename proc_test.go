package switchyard_test

import (
	"go/ast"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// What the kernel says in /proc and /sys is read by package proc, so that each fact has one reader.
// Tests, the tools and what tests share may look for themselves.
func TestProcIsReadByProc(t *testing.T) {
	fset, all := sources(t)
	calls := 0
	for _, s := range all {
		if s.test || s.dir == "internal/proc" || strings.HasPrefix(s.dir, "internal/testenv") ||
			strings.HasPrefix(s.dir, "tools/") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			f, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || !slices.Contains([]string{"ReadFile", "ReadDir", "Open", "OpenFile",
				"Readlink"}, f.Sel.Name) {
				return true
			}
			calls++
			if lit, ok := call.Args[0].(*ast.BasicLit); ok {
				name, _ := strconv.Unquote(lit.Value)
				if strings.HasPrefix(name, "/proc/") || strings.HasPrefix(name, "/sys/") {
					at := fset.Position(call.Pos())
					if !slices.Contains(readsProc, s.name) {
						t.Errorf("%s: %s is read here and not by internal/proc", at, name)
					}
				}
			}
			return true
		})
	}
	if calls < 5 {
		t.Errorf("found %d places that read files", calls)
	}
}

// readsProc are files that read /proc for themselves: those below internal/proc in the house.
var readsProc = []string{"internal/sys/clock.go"}
