package switchyard_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// unit is a word that says what a number is of. A number that is named or counted says it with
// "number" or "how many".
var unit = regexp.MustCompile(`(?i)\b(ns|µs|ms|nanoseconds?|microseconds?|milliseconds?|seconds?|` +
	`bytes?|kib|mib|number|numbers|count|how many|how often|share|index|percent|turns)\b`)

// Numbers that an exported field, or an exported function's result or parameter, holds without a
// type that says what it is of: int64 and float64 say the unit, any other says at least what it
// counts.
func TestUnits(t *testing.T) {
	seen := 0
	for _, dir := range append(public, "trace/syscalls") {
		names, err := filepath.Glob(dir + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, "_bpfel.go") {
				continue
			}
			src, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			faults, n := unitless(t, name, src)
			seen += n
			for _, f := range faults {
				t.Error(f)
			}
		}
	}
	if seen < 120 {
		t.Errorf("saw %d numbers: this test does not see them", seen)
	}
}

// The test above must see what says nothing.
func TestUnitsAreSeen(t *testing.T) {
	for src, want := range map[string]int{
		"// T is it.\ntype T struct { Time int64 }":                                  1,
		"// T is it.\ntype T struct { Time int64 // of the event\n }":                1,
		"// T is it.\ntype T struct { Time int64 // ns\n }":                          0,
		"// T is it.\ntype T struct {\n// Two in ns.\nA int64\nB int64\n}":           0,
		"// T is it.\ntype T struct {\n// One in ns.\nA int64\n\nB int64\n}":         1,
		"// T is it, all in ns.\ntype T struct { A, B int64 }":                       0,
		"// T is it.\ntype T struct { Wakings uint64 }":                              1,
		"// T is it.\ntype T struct { Wakings uint64 // of its own\n }":              0,
		"// T is so many Wakings.\ntype T struct { Wakings uint64 }":                 0,
		"// T is it.\ntype T struct { At time.Duration; name int64; Of event.Kind }": 0,
		"// F does it.\nfunc F(n int64) {}":                                          1,
		"// F does it.\nfunc F() float64 { return 0 }":                               1,
		"// F does it for n ns.\nfunc F(n int64) {}":                                 0,
		"// T is it.\ntype T struct { In struct { At int64 } }":                      1,
		"// T is it.\ntype T map[string]int64":                                       1,
	} {
		faults, _ := unitless(t, "x.go", []byte("package x\n"+src))
		if len(faults) != want {
			t.Errorf("%s\nfaults: %q, want %d", src, faults, want)
		}
	}
}

// unitless returns which exported numbers of a file do not say what they are of, and how many there
// are in all.
func unitless(t *testing.T, name string, src []byte) (faults []string, seen int) {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	// A number says what it is of in its own comment, in that of the fields it stands among, or,
	// when it is named there or has a unit there, in that of the type.
	number := func(what string, typ ast.Expr, own, above string, pos token.Pos) {
		kind := plain(typ)
		if kind == "" {
			return
		}
		seen++
		said := own + " " + above
		switch {
		case unit.MatchString(said):
		case kind == "int64" || kind == "float64":
			faults = append(faults, fset.Position(pos).String()+": "+what+" is a "+kind+
				" and its comment names no unit")
		case strings.TrimSpace(own) == "" &&
			!regexp.MustCompile(`(?i)\b`+what[strings.LastIndex(what, ".")+1:]).MatchString(above):
			faults = append(faults, fset.Position(pos).String()+": "+what+
				" is a number of something, and no comment says of what")
		}
	}
	var fields func(of string, s *ast.StructType, doc string)
	fields = func(of string, s *ast.StructType, doc string) {
		group, end := "", 0
		for _, f := range s.Fields.List {
			begin := fset.Position(f.Pos()).Line
			if f.Doc != nil {
				group = f.Doc.Text()
			} else if begin > end+1 {
				group = ""
			}
			end = fset.Position(f.End()).Line
			for _, id := range f.Names {
				if !id.IsExported() {
					continue
				}
				if inner, ok := f.Type.(*ast.StructType); ok {
					fields(of+"."+id.Name, inner, doc)
				}
				number(of+"."+id.Name, f.Type, group+f.Comment.Text(), doc, id.Pos())
			}
		}
	}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if !d.Name.IsExported() || d.Recv != nil && !ast.IsExported(receiver(d.Recv)) {
				continue
			}
			lists := []*ast.FieldList{d.Type.Params, d.Type.Results}
			for _, l := range lists {
				if l == nil {
					continue
				}
				for _, f := range l.List {
					if k := plain(f.Type); k == "int64" || k == "float64" || k == "uint64" {
						number(d.Name.Name, f.Type, d.Doc.Text(), "", f.Pos())
					}
				}
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				ts, ok := spec.(*ast.TypeSpec)
				if !ok || !ts.Name.IsExported() {
					continue
				}
				doc := d.Doc.Text() + ts.Doc.Text()
				switch typ := ts.Type.(type) {
				case *ast.StructType:
					fields(ts.Name.Name, typ, doc)
				case *ast.MapType, *ast.ArrayType:
					number(ts.Name.Name, typ, doc, "", ts.Pos())
				}
			}
		}
	}
	return faults, seen
}

// plain is the number's type that an expression is made of, "" if none is or the type itself says
// what it is of.
func plain(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		switch e.Name {
		case "int", "int16", "int32", "int64", "uint16", "uint32", "uint64", "float64":
			return e.Name
		}
	case *ast.StarExpr:
		return plain(e.X)
	case *ast.ArrayType:
		return plain(e.Elt)
	case *ast.MapType:
		return plain(e.Value)
	case *ast.SelectorExpr:
		if pkg, ok := e.X.(*ast.Ident); ok && pkg.Name == "atomic" && e.Sel.Name == "Uint64" {
			return "uint64"
		}
	}
	return ""
}

func receiver(l *ast.FieldList) string {
	e := l.List[0].Type
	if p, ok := e.(*ast.StarExpr); ok {
		e = p.X
	}
	if i, ok := e.(*ast.IndexExpr); ok {
		e = i.X
	}
	if id, ok := e.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}
