package switchyard_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A room is a package, by the path below the module. Rooms that stand on one floor are named
// together.
var (
	// nouns import nothing that is above them, so that everybody may speak of them.
	nouns = []string{"trace/event", "trace/hist", "trace/syscalls", "internal/proc", "internal/sys",
		"internal/stats", "internal/words"}
	// models are the designs. They and the tracer meet in cmd by name and in the data by task. Not
	// even their tests may know each other, or a change to one could hide behind the other's.
	models = []string{"fork", "poll", "threads"}
	// engines do the work that a command asks for.
	engines = []string{"internal/compare", "internal/record", "internal/doctor", "internal/lab",
		"internal/child", "internal/command", "internal/serve", "internal/capture"}
	// parts are what an engine is made of.
	parts = rooms(models, ".", "trace", "trace/switchcost", "trace/spool", "internal/load",
		"internal/run", "internal/rounds",
		"internal/sched", "internal/report", nouns)
)

// arrows says which packages of this module each package may import. A package that is not here
// fails the test: whoever adds one says where it stands. Some are listed before they exist.
// Programs under bench stand where cmd does.
var arrows = map[string][]string{
	".":       {"internal/nearest", "internal/proc", "internal/sys"},
	"fork":    {".", "internal/proc", "internal/sys"},
	"poll":    {".", "internal/proc", "internal/sys"},
	"threads": {".", "internal/proc", "internal/sys"},

	"trace":            rooms("trace/spool", "trace/switchcost", "internal/bpf", nouns),
	"trace/event":      {"trace/hist"},
	"trace/hist":       {},
	"trace/syscalls":   {},
	"trace/spool":      rooms("trace/event", "trace/hist", "internal/proc", "internal/sys"),
	"trace/switchcost": rooms("internal/bpf", nouns),

	"internal/sys":           {},
	"internal/proc":          {"trace/event"},
	"internal/bpf":           {"internal/proc"},
	"internal/stats":         {"trace/hist"},
	"internal/words":         {},
	"internal/nearest":       {},
	"internal/parquet":       {},
	"internal/parquet/forge": {"internal/parquet"}, // for tests
	"internal/load":          rooms(nouns),
	"internal/sched":         {"trace/event", "trace/hist", "internal/words"},
	"internal/run":           rooms("internal/parquet", nouns),
	"internal/rounds":        rooms("internal/load", "internal/run", nouns),
	"internal/report": rooms("internal/load", "internal/sched", "internal/run",
		"internal/rounds", nouns),

	// A recording is read where it was not made: no BPF.
	"internal/record": rooms("internal/load", "internal/run", "internal/sched", "internal/report",
		"trace/spool", nouns),
	"internal/doctor":  parts,
	"internal/command": {"internal/proc", "internal/sys"},
	"internal/child":   rooms(".", "internal/load", nouns),
	"internal/capture": rooms(parts, "internal/child", "internal/command", "internal/record"),
	"internal/serve":   {".", "internal/child", "internal/sys", "internal/words"},
	"internal/compare": rooms(parts, "internal/child"),
	"internal/lab":     rooms(parts, "internal/child", "internal/compare", "internal/record"),

	"cmd/switchyard":       rooms(engines, parts, "internal/nearest"),
	"cmd/switchyard-child": {".", "fork", "internal/sys"},

	"internal/testenv":            {"internal/proc", "internal/sys"},
	"internal/testenv/testserver": {".", "internal/testenv"},
	"internal/conformance": rooms(".", models, "internal/testenv",
		"internal/testenv/testserver", "internal/proc", "internal/sys"),
	"tools/kernels":      {},
	"tools/kernels/init": {},
	"tools/bpf":          {},
	"tools/man":          {},
	"tools/lint":         {},
}

// notYet are the arrows of today that are to go, and the packages that are to move. An entry that
// is no longer needed fails the test, so that the table only shrinks.
var notYet = map[string][]string{}

// withoutBPF are the packages that read a recording: what they import, directly or not, loads no
// program into the kernel, and so opens a recording anywhere.
var withoutBPF = []string{"internal/record", "internal/report", "internal/run", "internal/sched",
	"internal/rounds",
	"internal/parquet",
	"trace/spool", "trace/event", "trace/hist", "trace/syscalls", "internal/proc", "internal/load"}

// rooms makes one list of names and lists of names.
func rooms(parts ...any) []string {
	var list []string
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			list = append(list, p)
		case []string:
			list = append(list, p...)
		}
	}
	return list
}

// unsafeHomes are the packages that may go around Go's type system, in files named so.
var unsafeHomes = []string{"internal/sys", "fork"}

// An architecture may follow. Tests of other packages may do it too, in files named so; to ask for
// sizes and offsets any test may.
var (
	unsafeName     = regexp.MustCompile(`_unsafe(_[a-z0-9]+)?\.go$`)
	unsafeTestName = regexp.MustCompile(`(/|_)unsafe(_[a-z0-9]+)?_test\.go$`)
)

const module = "switchyard"

// A source is one Go file of the module.
type source struct {
	name string // path below the module, with slashes
	dir  string
	test bool
	made bool // generated by bpf2go
	file *ast.File
}

// sources parses every Go file of the module, whatever machine it is for.
func sources(t *testing.T) (*token.FileSet, []source) {
	t.Helper()
	fset := token.NewFileSet()
	var list []source
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name == "." {
				return nil
			}
			if strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_") ||
				d.Name() == "testdata" {
				return fs.SkipDir
			}
			// A module of its own, as the peers under bench are.
			if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil {
				return fs.SkipDir
			}
			return nil
		}
		if filepath.Ext(name) != ".go" {
			return nil
		}
		file, err := parser.ParseFile(fset, name, nil, parser.ParseComments|
			parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		list = append(list, source{
			name: name,
			dir:  path.Dir(name),
			test: strings.HasSuffix(name, "_test.go"),
			made: strings.HasSuffix(name, "_bpfel.go") && ast.IsGenerated(file),
			file: file,
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 20 {
		t.Fatalf("found %d Go files: this test does not see the module", len(list))
	}
	return fset, list
}

// tool reports whether the file is a program that go generate runs and no build sees.
func (s source) tool() bool {
	for _, g := range s.file.Comments {
		for _, c := range g.List {
			if c.Pos() < s.file.Package && c.Text == "//go:build ignore" {
				return true
			}
		}
	}
	return false
}

// imports lists what the file imports, and of this module by the path below it.
func (s source) imports() (ours, others []string) {
	for _, i := range s.file.Imports {
		name, err := strconv.Unquote(i.Path.Value)
		switch below, ok := strings.CutPrefix(name, module+"/"); {
		case err != nil:
		case ok:
			ours = append(ours, below)
		case name == module:
			ours = append(ours, ".")
		default:
			others = append(others, name)
		}
	}
	return ours, others
}

func TestImportDirection(t *testing.T) {
	_, all := sources(t)
	needed := map[string]map[string]bool{} // of notYet
	for _, s := range all {
		ours, _ := s.imports()
		from := s.dir
		if strings.HasPrefix(from, "bench/") {
			from = "cmd/switchyard"
		}
		allowed, known := arrows[from]
		later, excepted := notYet[from]
		if !known && !excepted {
			t.Errorf("%s: package %s is not in the table of this test: add it with what it may import",
				s.name, s.dir)
			continue
		}
		if excepted && needed[from] == nil {
			needed[from] = map[string]bool{}
		}
		for _, to := range ours {
			switch {
			case slices.Contains(models, s.dir) && tracer(to), tracer(s.dir) &&
				slices.Contains(models, to):
				t.Errorf("%s imports %s: models and the tracer do not know each other", s.name, to)
			case slices.Contains(models, s.dir) && slices.Contains(models, to) && to != s.dir:
				t.Errorf("%s imports %s: models do not know each other", s.name, to)
			case s.test:
				// Tests may bring what they like beside that.
			case slices.Contains(allowed, to):
			case slices.Contains(later, to):
				needed[from][to] = true
			default:
				t.Errorf("%s imports %s: %s may import %q of this module", s.name, to, s.dir,
					allowed)
			}
		}
	}
	for from, list := range notYet {
		if needed[from] == nil {
			t.Errorf("package %s is gone: take it out of notYet", from)
			continue
		}
		for _, to := range list {
			if !needed[from][to] {
				t.Errorf("%s imports %s no longer: take that out of notYet", from, to)
			}
		}
	}
}

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

// Every room is in the picture that docs/architecture.md draws of the house.
func TestRoomsAreDescribed(t *testing.T) {
	text, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	_, all := sources(t)
	seen := map[string]bool{".": true, "switchyard": true}
	for _, s := range all {
		if seen[s.dir] {
			continue
		}
		seen[s.dir] = true
		if !strings.Contains(string(text), "`"+s.dir+"`") {
			t.Errorf("docs/architecture.md does not say what %s is", s.dir)
		}
	}
	// And what it draws is there.
	for _, m := range regexp.MustCompile(
		"`((?:internal|trace|tools|bench|cmd)/[a-z/-]+)`").FindAllStringSubmatch(string(text), -1) {
		if _, err := os.Stat(m[1]); err != nil {
			t.Errorf("docs/architecture.md describes %s, which is not there", m[1])
		}
	}
}

// tracer reports whether a package is the tracer or a part of it.
func tracer(dir string) bool { return dir == "trace" || strings.HasPrefix(dir, "trace/") }

func TestReadingLinksNoBPF(t *testing.T) {
	_, all := sources(t)
	imports, direct := map[string][]string{}, map[string]string{}
	for _, s := range all {
		if s.test || s.tool() {
			continue
		}
		ours, others := s.imports()
		imports[s.dir] = append(imports[s.dir], ours...)
		for _, o := range others {
			if strings.HasPrefix(o, "github.com/cilium/ebpf") {
				direct[s.dir] = s.name
			}
		}
	}
	if direct["trace"] == "" {
		t.Error("not even trace loads BPF: this test does not see it")
	}
	found := 0
	for _, room := range withoutBPF {
		if _, ok := imports[room]; !ok {
			continue // not built yet
		}
		found++
		seen := map[string]bool{}
		for queue := []string{room}; len(queue) > 0; queue = queue[1:] {
			at := queue[0]
			if seen[at] {
				continue
			}
			seen[at] = true
			if name := direct[at]; name != "" {
				t.Errorf("%s links BPF: through %s", room, name)
			}
			queue = append(queue, imports[at]...)
		}
	}
	if found < 3 {
		t.Errorf("found %d of the packages that read", found)
	}
}

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
