package switchyard_test

import (
	"go/ast"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// unsafeHomes are the packages that may go around Go's type system, in files named so.
var unsafeHomes = []string{"internal/sys", "fork"}

// An architecture may follow. Tests of other packages may do it too, in files named so; to ask for
// sizes and offsets any test may.
var (
	unsafeName     = regexp.MustCompile(`_unsafe(_[a-z0-9]+)?\.go$`)
	unsafeTestName = regexp.MustCompile(`(/|_)unsafe(_[a-z0-9]+)?_test\.go$`)
)

func TestUnsafeStaysHome(t *testing.T) {
	fset, all := sources(t)
	found := 0
	for _, s := range all {
		_, others := s.imports()
		var where []string
		if slices.Contains(others, "unsafe") && !(s.test && onlySizes(s.file)) {
			where = append(where, s.name+": import unsafe")
		}
		for _, group := range s.file.Comments {
			for _, c := range group.List {
				if strings.HasPrefix(c.Text, "//go:linkname ") {
					where = append(where, fset.Position(c.Pos()).String()+": "+c.Text)
				}
			}
		}
		found += len(where)
		if s.made || unsafeTestName.MatchString(s.name) || slices.Contains(unsafeHomes, s.dir) &&
			unsafeName.MatchString(s.name) {
			continue
		}
		for _, w := range where {
			t.Errorf("%s: unsafe and go:linkname stand in files named *_unsafe.go of %s", w,
				strings.Join(unsafeHomes, " and "))
		}
	}
	if found == 0 {
		t.Error("found no use of unsafe at all: this test does not see them")
	}
}

// onlySizes reports whether the file uses of package unsafe only what is a constant.
func onlySizes(file *ast.File) bool {
	only := true
	ast.Inspect(file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "unsafe" {
				only = only && slices.Contains([]string{"Sizeof", "Offsetof", "Alignof"},
					sel.Sel.Name)
			}
		}
		return only
	})
	return only
}
