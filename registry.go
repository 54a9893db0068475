package switchyard

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"switchyard/internal/nearest"
	"switchyard/internal/sys"
)

// registry is filled by the init functions of the model packages, before anything else runs, and
// only read afterwards.
var registry = map[string]Model{}

// families are the packages that register models, which a program may have forgotten to import.
var families = []string{"fork", "poll", "threads"}

// Register makes a model known. It panics when the name is taken or is not of the form
// family/design: both are mistakes in the program. Functions that the model leaves nil are set as
// Model says.
func Register(m Model) {
	family, design, ok := strings.Cut(m.Name, "/")
	if !ok || family == "" || design == "" || m.New == nil {
		panic(fmt.Sprintf("switchyard: register model %q: want a name family/design and a constructor",
			m.Name))
	}
	if _, taken := registry[m.Name]; taken {
		panic(fmt.Sprintf("switchyard: model %q is registered twice", m.Name))
	}
	m = m.complete()
	build := m.New
	m.New = func(opts Options) (Server, error) {
		// A child forked in a program that cannot have one dies in the runtime, with a trace that
		// says nothing of the reason.
		if err := m.Available(); err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		if err := opts.Validate(); err != nil {
			return nil, err
		}
		// Before the server's own descriptors: the runtime dies without.
		if err := sys.StartPoller(); err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		return build(opts.WithDefaults())
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

// ErrUnknownModel is what New's error wraps when no model has the name.
var ErrUnknownModel = errors.New("unknown model")

// New binds a server of the model with that name, "poll/epoll" for one, to the address in the
// options. When there is no such model the error wraps ErrUnknownModel and says which package is to
// be imported, if one was forgotten, and which names are near. Otherwise it is Model.New's: it
// wraps errors.ErrUnsupported when the model cannot run here.
func New(name string, opts Options) (Server, error) {
	if m, ok := Lookup(name); ok {
		return m.New(opts)
	}
	var names []string
	known := map[string]bool{} // families
	for _, m := range Models() {
		family, _, _ := strings.Cut(m.Name, "/")
		names, known[family] = append(names, m.Name), true
	}
	family, _, _ := strings.Cut(name, "/")
	lacking := nearest.Names(family, families, 1)
	if len(names) == 0 && !slices.Contains(lacking, family) {
		lacking = families
	}
	text := ""
	if len(lacking) > 0 && !known[lacking[0]] {
		here := reflect.TypeFor[Model]().PkgPath()
		var imports []string
		for _, f := range lacking {
			imports = append(imports, strconv.Quote(here+"/"+f))
		}
		text = fmt.Sprintf(" (the program lacks import _ %s)", strings.Join(imports, " or "))
	}
	return nil, fmt.Errorf("%w %q%s%s", ErrUnknownModel, name, text,
		nearest.DidYouMean(nearest.Names(name, names, 3)))
}
