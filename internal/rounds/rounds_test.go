package rounds

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"switchyard/internal/load"
	"switchyard/internal/proc"
	"switchyard/internal/run"
	"switchyard/internal/stats"
	"switchyard/trace/event"
)

// rateRound and countRound are rounds of a model with something in every field.
func rateRound(model string, number int, rate float64) *Round {
	l := stats.NewLatencies()
	l.Record(1_234_567)
	l.RecordAtLeast(300_000_000, 2)
	e := l.Encode()
	return &Round{
		Model: model, Number: number, Workers: 4,
		Load: &load.Result{Requests: 10, RequestsPerSecond: rate, Errors: 1, StarvedClients: 1,
			Options:      load.Options{Clients: 3},
			ErrorsByKind: []load.ErrorCount{{Kind: load.Status5xx, Count: 1}},
			Window:       load.Window{Seconds: 2},
			Generator:    load.Generator{CPUShare: 0.5, RunQueueUS: 1e6},
			Histograms:   load.Histograms{Unit: "ns", Latency: e.Known, LatencyAtLeast: e.AtLeast},
			Warnings:     []string{"late"}},
		CPU:       &proc.CPU{Run: 3e6, User: 1e6, System: 2e6},
		Memory:    &Memory{PerConnection: 2.5, Connections: 64},
		Throttled: &event.Throttling{Times: 3, Cgroups: []string{"/a"}, Read: 1},
		Checks:    []event.Check{{Name: "requests", Status: event.Pass, Traced: 7, Kernel: 7}},
		Notes:     []string{"it rained"},
	}
}

func countRound(model string) *Round {
	r := rateRound(model, 0, 1)
	r.CPU, r.Memory = nil, nil
	r.Counts = &Counts{PageFaults: 2, CPU: time.Second, Lost: 1,
		Values: event.Values{{Column: event.Column{Name: "syscalls", Unit: "calls"}, Count: 5,
			Parts: map[string]uint64{"read": 5}}},
		Missing: map[string]string{"tlb_flushes": "no x86"}}
	r.Counts.Switches.Voluntary, r.Counts.Forks = 9, 1
	r.Counts.RunQueueLatency.Add(time.Millisecond)
	r.Throttled, r.ThrottledWhy = nil, "no cgroups"
	return r
}

func keep(t *testing.T, dir string, m Manifest, list ...*Round) {
	t.Helper()
	w, err := Create(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for _, r := range list {
		if err := w.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Commit(m); err != nil {
		t.Fatal(err)
	}
}

// What is read is what was written, round for round, and its sum.
func TestRunComesBack(t *testing.T) {
	dir := t.TempDir()
	m := Manifest{Made: time.Unix(1, 0).UTC(), Models: []Model{{Name: "a/b"}, {Name: "a/c", Reason: "no"}},
		Prices: []event.Price{{Name: event.PriceCount, Added: []float64{1, 2}}}, NoCounts: "x"}
	list := []*Round{countRound("a/b"), rateRound("a/b", 1, 100), rateRound("a/b", 2, 300),
		{Model: "a/b", Number: 3, Failed: "fire"}}
	keep(t, dir, m, list...)
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got := *r.Manifest()
	m.Schema, m.Rounds = got.Schema, got.Rounds
	if !reflect.DeepEqual(got, m) || got.Schema != Schema || got.Rounds.Rows != int64(len(list)) {
		t.Errorf("the manifest is %+v, want %+v", got, m)
	}
	i := 0
	for round, err := range r.Rounds() {
		if err != nil {
			t.Fatal(err)
		}
		a, _ := json.Marshal(round)
		b, _ := json.Marshal(list[i])
		if string(a) != string(b) {
			t.Errorf("round %d is %s, want %s", i, a, b)
		}
		i++
	}
	read, err := r.Result()
	if err != nil {
		t.Fatal(err)
	}
	summed := NewResult(&m)
	for _, round := range list {
		if err := summed.Add(round); err != nil {
			t.Fatal(err)
		}
	}
	a, b := read.Sums[0], summed.Sums[0]
	waits := &a.Counts.RunQueueLatency
	if a.Latency.Quantiles() != b.Latency.Quantiles() || !waits.Equal(&b.Counts.RunQueueLatency) {
		t.Error("the sums of distributions differ")
	}
	a.Latency, b.Latency = nil, nil
	if !reflect.DeepEqual(a, b) {
		t.Errorf("the sum is %+v, want %+v", a, b)
	}
	if len(a.Rates) != 2 || a.CountRounds != 1 || a.Errors != 3 ||
		a.Starved != (Starved{3, 1, 3}) ||
		a.Workers != 4 || len(a.Failures) != 1 || len(a.Notes) != 2 ||
		a.CPU.Run != 6*time.Millisecond || a.RateRequests != 22 || a.CountRequests != 11 ||
		a.Memory == nil || a.Throttled != nil || a.ThrottledWhy == "" ||
		len(a.LoadWarnings) != 3 || len(a.Busy) != 2 || a.Delayed[0] != 0.5 {
		t.Errorf("the sum is %+v", a)
	}
}

// The sum over a model's rounds is not known if one round's is not.
func TestThrottledInRounds(t *testing.T) {
	one := &event.Throttling{Cgroups: []string{"/a"}, Read: 2, Times: 3, Time: time.Second}
	two := &event.Throttling{Cgroups: []string{"/b", "/a"}, Read: 3, Times: 20, Time: time.Minute}
	for name, c := range map[string]struct {
		rounds []*event.Throttling // nil: not known
		want   *event.Throttling
	}{
		"no round": {nil, nil},
		"one":      {[]*event.Throttling{one}, one},
		"two": {[]*event.Throttling{one, two},
			&event.Throttling{Times: 23, Time: 61e9, Cgroups: []string{"/a", "/b"}, Read: 3}},
		"not first": {[]*event.Throttling{nil, one}, nil},
		"not last":  {[]*event.Throttling{one, two, nil}, nil},
	} {
		var s Sum
		for i, k := range c.rounds {
			r := rateRound("a/b", i+1, 1)
			if r.Throttled = k; k == nil {
				r.ThrottledWhy = "the moon"
			}
			if err := s.Add(r); err != nil {
				t.Fatal(err)
			}
		}
		if !reflect.DeepEqual(s.Throttled, c.want) {
			t.Errorf("%s: %+v, want %+v", name, s.Throttled, c.want)
		}
	}
	if one.Times != 3 || len(one.Cgroups) != 1 {
		t.Errorf("a round's own is changed: %+v", one)
	}
}

// A check passes if it passes in each round, and a failure stays one.
func TestChecksOfRounds(t *testing.T) {
	var s Sum
	for i, status := range []event.Status{event.Pass, event.Fail, event.Unavailable, event.Pass} {
		r := rateRound("a/b", i+1, 1)
		r.Checks[0].Status, r.Checks[0].Reason = status, string(status)
		if err := s.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	if k := s.Checks[0]; k.Status != event.Fail || k.Reason != "fail" || k.Traced != 28 {
		t.Errorf("%+v", k)
	}
}

// A run that is cut off, changed, newer or of another kind is refused in one line.
func TestHostileRuns(t *testing.T) {
	change := func(name, from, to string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			path := filepath.Join(dir, name)
			text, err := os.ReadFile(path)
			if err != nil || !strings.Contains(string(text), from) {
				t.Fatalf("%s: no %q, %v", name, from, err)
			}
			changed := strings.Replace(string(text), from, to, 1)
			if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove := func(name string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	next := "switchyard.compare-run/2"
	for name, c := range map[string]struct {
		do   func(t *testing.T, dir string)
		want error
	}{
		"no manifest":     {remove(run.ManifestName), run.ErrIncomplete},
		"no rounds":       {remove(run.RoundsName), os.ErrNotExist},
		"newer":           {change(run.ManifestName, Schema, next), run.ErrNewer},
		"a recording":     {change(run.ManifestName, Schema, run.Schema), run.ErrDamaged},
		"another length":  {change(run.RoundsName, `"round":1`, `"round":11`), run.ErrDamaged},
		"no such model":   {change(run.RoundsName, `:"a/b"`, `:"a/x"`), run.ErrDamaged},
		"no JSON":         {change(run.RoundsName, `{"model"`, `["model"`), run.ErrDamaged},
		"a histogram":     {change(run.RoundsName, `"latency":"H`, `"latency":"X`), run.ErrDamaged},
		"fewer rounds":    {change(run.RoundsName, "}\n{", "} {"), run.ErrDamaged},
		"models twice":    {change(run.ManifestName, `"a/c"`, `"a/b"`), run.ErrDamaged},
		"negative rounds": {change(run.ManifestName, `"rows": 2`, `"rows": -2`), run.ErrDamaged},
		"a pipe": {func(t *testing.T, dir string) {
			path := filepath.Join(dir, run.RoundsName)
			if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
				t.Fatal(err)
			}
		}, run.ErrDamaged},
	} {
		dir := t.TempDir()
		m := Manifest{Models: []Model{{Name: "a/b"}, {Name: "a/c"}}}
		keep(t, dir, m, rateRound("a/b", 1, 100), countRound("a/b"))
		c.do(t, dir)
		r, err := Open(dir)
		if err == nil {
			_, err = r.Result()
			r.Close()
		}
		if !errors.Is(err, c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// A round without a result must say why.
func TestRoundWithoutResult(t *testing.T) {
	for _, r := range []*Round{
		{Model: "a", Number: 1},
		{Model: "a", Number: 1, Load: &load.Result{}},
		{Model: "a", Load: &load.Result{}},
	} {
		var s Sum
		if err := s.Add(r); err == nil {
			t.Errorf("%+v: no error", r)
		}
	}
}

// Nothing of a run that was not completed is left, and what is there is not written over.
func TestCreate(t *testing.T) {
	dir := t.TempDir()
	w, err := Create(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Add(rateRound("a/b", 1, 1)); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if list, err := os.ReadDir(dir); err != nil || len(list) != 0 {
		t.Errorf("left behind: %v, %v", list, err)
	}
	if err := w.Commit(Manifest{}); err == nil {
		t.Error("a closed Writer was completed")
	}
	keep(t, dir, Manifest{})
	if _, err := Create(dir, nil); !errors.Is(err, os.ErrExist) {
		t.Errorf("created over a run: %v", err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(link, nil); err == nil || !strings.Contains(err.Error(), "symbolic link") {
		t.Errorf("through a link: %v", err)
	}
}
