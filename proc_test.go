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

// runtime.NumCPU is how many CPUs this process may run on, which taskset changes: nobody takes it
// for how many the machine has, which internal/proc tells.
func TestCPUsOfTheMachine(t *testing.T) {
	fset, all := sources(t)
	asks := map[string]bool{
		"server.go":             true, // how many workers a server has
		"internal/proc/host.go": true, // where the machine does not say
	}
	for _, s := range all {
		if s.test || strings.HasPrefix(s.dir, "tools/") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			f, ok := n.(*ast.SelectorExpr)
			if !ok || f.Sel.Name != "NumCPU" {
				return true
			}
			if !asks[s.name] {
				t.Errorf("%s: NumCPU counts the CPUs of this process, not the machine's",
					fset.Position(n.Pos()))
			}
			return true
		})
	}
}
