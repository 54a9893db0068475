package switchyard

import (
	"fmt"
	"slices"
	"strings"

	"switchyard/internal/sys"
)

// registry is filled by the init functions of the model packages, before
// anything else runs, and only read afterwards.
var registry = map[string]Model{}

// Register makes a model known. It panics when the name is taken or is not of
// the form family/design: both are mistakes in the program.
func Register(m Model) {
	family, design, ok := strings.Cut(m.Name, "/")
	if !ok || family == "" || design == "" || m.New == nil {
		panic(fmt.Sprintf("switchyard: register model %q: want a name family/design and a constructor", m.Name))
	}
	if _, taken := registry[m.Name]; taken {
		panic(fmt.Sprintf("switchyard: model %q is registered twice", m.Name))
	}
	build := m.New
	m.New = func(opts Options) (Server, error) {
		// A child forked in a program that cannot have one dies in the runtime,
		// with a trace that says nothing of the reason.
		if err := m.Available(); err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		// Before the server's own descriptors: the runtime dies without.
		if err := sys.StartPoller(); err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		return build(opts)
	}
	registry[m.Name] = m
}

// Models lists every registered model by name.
func Models() []Model {
	list := make([]Model, 0, len(registry))
	for _, m := range registry {
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b Model) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// Lookup finds a model by its whole name.
func Lookup(name string) (Model, bool) {
	m, ok := registry[name]
	return m, ok
}

// Nearest lists the registered names most like name, best first, at most n:
// what a user who mistyped one may have meant.
func Nearest(name string, n int) []string {
	type candidate struct {
		name     string
		distance int
	}
	name = strings.ToLower(name)
	var list []candidate
	for known := range registry {
		d := distance(name, known)
		if _, design, _ := strings.Cut(known, "/"); design != "" {
			// "epol" and "poll/epol" both mean poll/epoll.
			d = min(d, distance(name, design))
		}
		list = append(list, candidate{known, d})
	}
	slices.SortFunc(list, func(a, b candidate) int {
		if a.distance != b.distance {
			return a.distance - b.distance
		}
		return strings.Compare(a.name, b.name)
	})
	names := make([]string, 0, n)
	for _, c := range list[:min(n, len(list))] {
		names = append(names, c.name)
	}
	return names
}

// distance is the number of bytes to insert, delete or replace to turn a into
// b (Levenshtein). cobra, which judges nearness of commands and flags, keeps its
// own to itself, and a library for these lines would be one more that every
// program with a server links.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
