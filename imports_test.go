package switchyard_test

import (
	"slices"
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
// Programs under bench stand above all, as one.
var arrows = map[string][]string{
	".":       {"internal/nearest", "internal/proc", "internal/sys"},
	"fork":    {".", "internal/proc", "internal/sys"},
	"poll":    {".", "internal/proc", "internal/sys"},
	"threads": {".", "internal/proc", "internal/sys"},

	"trace":            rooms("trace/spool", "trace/switchcost", "internal/bpf", nouns),
	"trace/event":      {"trace/hist"},
	"trace/hist":       {},
	"trace/syscalls":   {"trace/event"},
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

	// What a command does is an engine's: it knows no sums, no spool and no programs of BPF.
	"cmd/switchyard": rooms(engines, models, ".", "trace", "trace/event", "internal/load",
		"internal/nearest", "internal/proc", "internal/report", "internal/rounds", "internal/run",
		"internal/sys", "internal/words"),
	"bench":                rooms(engines, parts),
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

func TestImportDirection(t *testing.T) {
	_, all := sources(t)
	needed := map[string]map[string]bool{} // of notYet
	for _, s := range all {
		ours, _ := s.imports()
		from := s.dir
		if strings.HasPrefix(from, "bench/") {
			from = "bench"
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

// The command is flags, environment, errors and help. An engine that grows in it shows in its size.
func TestCommandIsThin(t *testing.T) {
	fset, all := sources(t)
	const most = 2500
	lines := 0
	for _, s := range all {
		if s.dir == "cmd/switchyard" && !s.test {
			lines += fset.Position(s.file.FileEnd).Line
		}
	}
	if lines == 0 || lines > most {
		t.Errorf("cmd/switchyard has %d lines without its tests, and is to have at most %d: what"+
			" is no flag, message or help belongs to a room below", lines, most)
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
