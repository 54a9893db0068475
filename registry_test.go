package switchyard

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// with runs f with a registry of its own.
func with(t *testing.T, f func()) {
	before := registry
	registry = map[string]Model{}
	t.Cleanup(func() { registry = before })
	f()
}

func noServer(Options) (Server, error) { return nil, errors.New("not made in this test") }

func TestRegister(t *testing.T) {
	with(t, func() {
		Register(Model{Name: "b/two", New: noServer})
		Register(Model{Name: "a/one", New: noServer})
		var names []string
		for _, m := range Models() {
			names = append(names, m.Name)
		}
		if !slices.Equal(names, []string{"a/one", "b/two"}) {
			t.Errorf("models %q", names)
		}
		if m, ok := Lookup("b/two"); !ok || m.Name != "b/two" {
			t.Errorf("looked up %v, %v", m.Name, ok)
		}
		if _, ok := Lookup("two"); ok {
			t.Error("looked up part of a name")
		}
		for _, m := range []Model{
			{Name: "a/one", New: noServer}, {Name: "one", New: noServer}, {Name: "/one", New: noServer},
			{Name: "a/", New: noServer}, {Name: "a/three"},
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("registered %q", m.Name)
					}
				}()
				Register(m)
			}()
		}
	})
}

// No server is made of a model that cannot run.
func TestRegisterUnavailable(t *testing.T) {
	with(t, func() {
		Register(Model{
			Name: "a/able", New: noServer,
			Available: func() error { return nil },
		})
		Register(Model{
			Name:      "a/unable",
			Available: func() error { return fmt.Errorf("no such call: %w", errors.ErrUnsupported) },
			New:       func(Options) (Server, error) { t.Error("New was called"); return nil, nil },
		})
		m, _ := Lookup("a/unable")
		if _, err := m.New(Options{}); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "a/unable") {
			t.Errorf("new: %v", err)
		}
		m, _ = Lookup("a/able")
		if _, err := m.New(Options{}); err == nil || errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("new: %v", err)
		}
	})
}
