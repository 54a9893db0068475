package switchyard_test

import (
	"bytes"
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// public are the packages that other programs import, by the path below the module.
var public = []string{".", "fork", "poll", "threads", "trace", "trace/event", "trace/hist",
	"trace/spool", "trace/switchcost"}

// Nobody outside the module can name a type of an internal package, hold a variable of it, or write
// a function that takes one: what is exported is made of what is exported.
func TestExportedNamesMentionNoInternalType(t *testing.T) {
	seen := 0
	for name, pkg := range compiled(t, public...) {
		api := api{pkg: pkg, done: map[types.Type]bool{}}
		for _, exported := range pkg.Scope().Names() {
			if token.IsExported(exported) {
				seen++
				api.object(exported, pkg.Scope().Lookup(exported))
			}
		}
		for _, m := range api.mentions {
			t.Errorf("%s: %s", name, m)
		}
	}
	if seen < 50 {
		t.Errorf("saw %d exported names: this test does not see them", seen)
	}
}

// The test above must see a mention wherever one can be.
func TestInternalTypesAreSeen(t *testing.T) {
	within := types.NewPackage("m/internal/x", "x")
	hidden := types.NewNamed(types.NewTypeName(token.NoPos, within, "Hidden", nil),
		types.Typ[types.Int], nil)
	field := func(name string, embedded bool, typ types.Type) *types.Struct {
		f := types.NewField(token.NoPos, within, name, typ, embedded)
		return types.NewStruct([]*types.Var{f}, nil)
	}
	tuple := types.NewTuple(types.NewVar(token.NoPos, within, "", hidden))
	result := types.NewSignatureType(nil, nil, nil, nil, tuple, false)
	method := types.NewFunc(token.NoPos, within, "M", result)
	for what, typ := range map[string]types.Type{
		"itself": hidden, "pointer": types.NewPointer(hidden),
		"slice": types.NewSlice(hidden), "array": types.NewArray(hidden, 2),
		"map key":   types.NewMap(hidden, types.Typ[types.Int]),
		"map value": types.NewMap(types.Typ[types.Int], hidden),
		"channel":   types.NewChan(types.SendRecv, hidden),
		"parameter": types.NewSignatureType(nil, nil, nil, tuple, nil, false),
		"result":    result, "field": field("F", false, hidden),
		"embedded":           field("Hidden", true, hidden),
		"interface's method": types.NewInterfaceType([]*types.Func{method}, nil),
	} {
		a := api{pkg: types.NewPackage("m", "m"), done: map[types.Type]bool{}}
		if a.visit("X", typ); len(a.mentions) == 0 {
			t.Errorf("%s: not seen", what)
		}
	}
	a := api{pkg: types.NewPackage("m", "m"), done: map[types.Type]bool{}}
	if a.visit("X", field("f", false, hidden)); len(a.mentions) > 0 {
		t.Errorf("a field that is not exported: %q", a.mentions)
	}
}

// compiled is what go list says the compiler has exported of the packages of this module with these
// paths.
func compiled(t *testing.T, paths ...string) map[string]*types.Package {
	t.Helper()
	args := []string{"list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}"}
	for _, p := range paths {
		if _, err := os.Stat(p); err == nil { // some are listed before they exist
			args = append(args, "./"+p)
		}
	}
	var stderr bytes.Buffer
	cmd := exec.Command("go", args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		files[path] = file
	}
	gc := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		if files[path] == "" {
			return nil, fmt.Errorf("no export data of %s", path)
		}
		return os.Open(files[path])
	})
	packages := map[string]*types.Package{}
	for _, p := range paths {
		path := strings.TrimSuffix(module+"/"+p, "/.")
		if _, ok := files[path]; !ok {
			continue
		}
		if packages[path], err = gc.Import(path); err != nil {
			t.Fatal(err)
		}
	}
	return packages
}

// api looks at all types that can be reached from what a package exports.
type api struct {
	pkg      *types.Package
	done     map[types.Type]bool
	mentions []string
}

// object looks at what an exported name stands for.
func (a *api) object(where string, o types.Object) {
	name, ok := o.(*types.TypeName)
	if !ok {
		a.visit(where, o.Type())
		return
	}
	if alias, ok := o.Type().(*types.Alias); ok {
		a.visit(where, alias.Rhs())
		return
	}
	a.declared(where, name.Type().(*types.Named))
}

// declared looks at the inside of a named type of the package.
func (a *api) declared(where string, n *types.Named) {
	if a.done[n] {
		return
	}
	a.done[n] = true
	for i := range n.TypeParams().Len() {
		a.visit(where, n.TypeParams().At(i).Constraint())
	}
	a.visit(where, n.Underlying())
	for m := range n.Methods() {
		if m.Exported() {
			a.visit(where+"."+m.Name(), m.Type())
		}
	}
}

func (a *api) visit(where string, t types.Type) {
	switch t := t.(type) {
	case *types.Alias:
		a.named(where, t.Obj())
		a.visit(where, t.Rhs())
	case *types.Named:
		a.named(where, t.Obj())
		for i := range t.TypeArgs().Len() {
			a.visit(where, t.TypeArgs().At(i))
		}
		// What is exported is looked at by itself; what is not, here, as its fields and methods can
		// be reached.
		if t.Obj().Pkg() == a.pkg && !t.Obj().Exported() {
			a.declared(where, t.Origin())
		}
	case *types.Pointer:
		a.visit(where, t.Elem())
	case *types.Slice:
		a.visit(where, t.Elem())
	case *types.Array:
		a.visit(where, t.Elem())
	case *types.Chan:
		a.visit(where, t.Elem())
	case *types.Map:
		a.visit(where, t.Key())
		a.visit(where, t.Elem())
	case *types.Signature:
		for v := range t.Params().Variables() {
			a.visit(where, v.Type())
		}
		for v := range t.Results().Variables() {
			a.visit(where, v.Type())
		}
	case *types.Struct:
		for f := range t.Fields() {
			if f.Exported() || f.Embedded() {
				a.visit(where+"."+f.Name(), f.Type())
			}
		}
	case *types.Interface:
		for m := range t.ExplicitMethods() {
			a.visit(where+"."+m.Name(), m.Type())
		}
		for e := range t.EmbeddedTypes() {
			a.visit(where, e)
		}
	case *types.Union:
		for term := range t.Terms() {
			a.visit(where, term.Type())
		}
	}
}

func (a *api) named(where string, o *types.TypeName) {
	if p := o.Pkg(); p != nil && strings.Contains("/"+p.Path()+"/", "/internal/") {
		a.mentions = append(a.mentions, fmt.Sprintf("%s mentions %s.%s", where, p.Path(), o.Name()))
	}
}
