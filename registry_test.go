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
			{Name: "a/one", New: noServer}, {Name: "one", New: noServer},
			{Name: "/one", New: noServer},
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
			Name: "a/unable",
			Available: func() error {
				return fmt.Errorf("no such call: %w", errors.ErrUnsupported)
			},
			New: func(Options) (Server, error) { t.Error("New was called"); return nil, nil },
		})
		m, _ := Lookup("a/unable")
		if _, err := m.New(Options{}); !errors.Is(err, errors.ErrUnsupported) ||
			!strings.Contains(err.Error(), "a/unable") {
			t.Errorf("new: %v", err)
		}
		m, _ = Lookup("a/able")
		if _, err := m.New(Options{}); err == nil || errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("new: %v", err)
		}
	})
}

// Whoever has a model from the registry may call each of its functions.
func TestRegisterCompletes(t *testing.T) {
	with(t, func() {
		Register(Model{Name: "a/loop", New: noServer})
		Register(Model{Name: "a/pool", New: noServer, Pool: true})
		Register(Model{Name: "a/one", New: noServer, Capacity: func(Options) int { return 1 }})
		Register(Model{Name: "a/loops", New: noServer, Workers: func(Options) int { return 2 }})
		for _, test := range []struct {
			name              string
			opts              Options
			capacity, workers int
		}{
			{"a/loop", Options{}, 10_000, 0},
			{"a/loop", Options{MaxConns: 7, Workers: 3}, 7, 0},
			{"a/loops", Options{}, 10_000, 2},
			{"a/one", Options{}, 1, 0},
			{"a/pool", Options{}, DefaultPoolWorkers, DefaultPoolWorkers},
			{"a/pool", Options{Workers: 3}, 3, 3},
			{"a/pool", Options{MaxConns: 2}, 2, 2},
			{"a/pool", Options{MaxConns: 2, Workers: 3}, 2, 2},
		} {
			m, _ := Lookup(test.name)
			if c, w := m.Capacity(test.opts), m.Workers(test.opts); c != test.capacity ||
				w != test.workers {
				t.Errorf("%s with %+v serves %d at once with %d workers, want %d and %d", test.name,
					test.opts, c, w, test.capacity, test.workers)
			}
			if err := m.Available(); err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
		}
	})
}

// A design is given options that are valid and have their defaults.
func TestRegisterPrepares(t *testing.T) {
	with(t, func() {
		var got []Options
		Register(Model{Name: "a/one", New: func(o Options) (Server, error) {
			got = append(got, o)
			return nil, errors.New("not made in this test")
		}})
		m, _ := Lookup("a/one")
		if _, err := m.New(Options{Workers: -1}); err == nil || len(got) != 0 {
			t.Errorf("made of options that are wrong: %v, %+v", err, got)
		}
		m.New(Options{Protocol: Echo})
		if len(got) != 1 || got[0].Listen != "127.0.0.1:0" || got[0].MaxConns == 0 ||
			got[0].Grace == 0 {
			t.Errorf("made of %+v", got)
		}
	})
}

// What New says of a name that nobody registered.
func TestNewUnknown(t *testing.T) {
	for what, test := range map[string]struct {
		registered []string
		name, want string
	}{
		"nothing imported": {nil, "nonsense",
			`unknown model "nonsense" (the program lacks import _ "switchyard/fork" or "switchyard/poll" or "switchyard/threads")`},
		"nothing imported, family known": {nil, "poll/epoll", `unknown model "poll/epoll" (the program lacks import _ "switchyard/poll")`},
		"another imported": {[]string{"threads/pool"}, "poll/epoll",
			`unknown model "poll/epoll" (the program lacks import _ "switchyard/poll")`},
		"another imported, family mistyped": {[]string{"threads/pool"}, "pol/epoll",
			`unknown model "pol/epoll" (the program lacks import _ "switchyard/poll")`},
		"mistyped": {[]string{"poll/epoll", "poll/epoll-et", "poll/select", "threads/pool"}, "poll/epol",
			`unknown model "poll/epol": did you mean poll/epoll?`},
		"no family": {[]string{"poll/epoll", "fork/exec", "threads/pool"}, "epoll",
			`unknown model "epoll": did you mean poll/epoll or threads/pool?`},
		"nothing near": {[]string{"poll/epoll"}, "nonsense", `unknown model "nonsense"`},
		"not printable": {[]string{"poll/epoll", "fork/exec", "threads/pool"}, "\x1b[31m",
			`unknown model "\x1b[31m"`},
	} {
		with(t, func() {
			for _, name := range test.registered {
				Register(Model{Name: name, New: noServer})
			}
			s, err := New(test.name, Options{})
			if s != nil || !errors.Is(err, ErrUnknownModel) || err.Error() != test.want {
				t.Errorf("%s: %v, want %s", what, err, test.want)
			}
		})
	}
}
