package conformance

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"switchyard"
	"switchyard/fork"
	"switchyard/internal/testenv"
	_ "switchyard/poll"
	_ "switchyard/threads"
)

func TestMain(m *testing.M) {
	fork.Child()
	os.Exit(testenv.Main(m, map[string]func() int{"serve": serveProgram}))
}

// conformance is what every model must do, by the file each case is in.
var conformance = slices.Concat(trafficCases, hostileCases, limitCases, lifeCases, drainCases,
	turnCases, crashCases, toolCases)

// A conformanceCase is run with every model.
type conformanceCase struct {
	name string
	run  func(t *testing.T, m switchyard.Model)
}

// TestConformance walks the registry: a model that registers itself is tested.
func TestConformance(t *testing.T) {
	families := map[string][]switchyard.Model{}
	for _, m := range switchyard.Models() {
		family, _, _ := strings.Cut(m.Name, "/")
		families[family] = append(families[family], m)
	}
	for _, family := range []string{"fork", "poll", "threads"} {
		if len(families[family]) == 0 {
			t.Errorf("no model of family %s is registered", family)
		}
	}
	for family, models := range families {
		t.Run(family, func(t *testing.T) {
			for _, m := range models {
				_, design, _ := strings.Cut(m.Name, "/")
				t.Run(design, func(t *testing.T) { conform(t, m) })
			}
		})
	}
}

func conform(t *testing.T, m switchyard.Model) {
	if m.Doc == "" || len(m.Syscalls) == 0 || len(m.Probes) == 0 {
		t.Errorf("the model lacks a line of documentation, its system calls or its probes: %+v", m)
	}
	if err := m.Available(); err != nil {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Fatalf("available: %v: does not wrap errors.ErrUnsupported", err)
		}
		if s, err := m.New(switchyard.Options{}); err == nil {
			s.Close()
			t.Error("the model is unavailable, and a server of it was made")
		} else if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("new: %v: does not wrap errors.ErrUnsupported", err)
		}
		testenv.Skip(t, err.Error(), func() error { return lacking(m) })
	}
	for _, c := range conformance {
		t.Run(c.name, func(t *testing.T) { c.run(t, m) })
	}
}
