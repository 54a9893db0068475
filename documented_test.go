package switchyard_test

import (
	"go/ast"
	"go/token"
	"iter"
	"testing"
)

func TestExportedNamesAreDocumented(t *testing.T) {
	fset, all := sources(t)
	checked := 0
	for _, s := range all {
		if s.test || s.made || s.tool() || s.file.Name.Name == "main" {
			continue
		}
		for name, doc := range exported(fset, s.file) {
			checked++
			if !doc {
				t.Errorf("%s: %s is exported and has no doc comment", fset.Position(name.Pos()),
					name.Name)
			}
		}
	}
	if checked < 50 {
		t.Errorf("checked %d exported names: this test does not see them", checked)
	}
}

// exported yields the exported names of a file, and whether each is documented. In a group of
// constants or variables a comment speaks for all that follow it without an empty line, and that of
// the group for all.
func exported(fset *token.FileSet, file *ast.File) iter.Seq2[*ast.Ident, bool] {
	line := func(p token.Pos) int { return fset.Position(p).Line }
	return func(yield func(*ast.Ident, bool) bool) {
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && (d.Recv == nil || exportedType(d.Recv.List[0].Type)) &&
					!yield(d.Name, d.Doc != nil) {
					return
				}
			case *ast.GenDecl:
				spoken, last := false, 0
				for _, spec := range d.Specs {
					var names []*ast.Ident
					doc := d.Doc != nil
					switch spec := spec.(type) {
					case *ast.TypeSpec:
						names, doc = []*ast.Ident{spec.Name}, doc && !d.Lparen.IsValid() ||
							spec.Doc != nil || spec.Comment != nil
					case *ast.ValueSpec:
						if typed, ok := spec.Type.(*ast.Ident); ok && typed.IsExported() {
							spoken = true // the type's own comment says what its values are
						} else if spec.Doc != nil || line(spec.Pos()) != last+1 {
							spoken = spec.Doc != nil
						}
						last = line(spec.End())
						names, doc = spec.Names, doc || spoken || spec.Comment != nil
					}
					for _, n := range names {
						if n.IsExported() && !yield(n, doc) {
							return
						}
					}
				}
			}
		}
	}
}

// exportedType reports whether the type of a receiver is exported.
func exportedType(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.StarExpr:
		return exportedType(e.X)
	case *ast.IndexExpr:
		return exportedType(e.X)
	case *ast.IndexListExpr:
		return exportedType(e.X)
	case *ast.Ident:
		return e.IsExported()
	}
	return false
}
