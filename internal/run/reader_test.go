package run

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"switchyard/internal/parquet"
	"switchyard/internal/parquet/forge"
)

// Values that no event can have, in a table that is otherwise well made.
func TestHostileEvents(t *testing.T) {
	whole := smallRun(t)
	set := func(column int, p forge.Page) func(*forge.Table) {
		return func(f *forge.Table) { f.Groups[0].Pages[column] = []forge.Page{p} }
	}
	for name, test := range map[string]struct {
		spoil func(*forge.Table)
		wants error
		says  string
	}{
		"a task too many": {set(eventTask, forge.Optional(forge.Int32s(20))), ErrDamaged,
			"task 20 is not in the table"},
		"another too many": {set(eventOther, forge.Optional(forge.Int32s(1<<30))), ErrDamaged,
			"is not in the table"},
		"an idle task": {set(eventTask, forge.Optional(forge.Int32s(-maxCPU-2))), ErrDamaged,
			"is not in the table"},
		"no task by number": {set(eventTask, forge.Optional(forge.Int32s(-1<<31))), ErrDamaged,
			"out of range"},
		"a CPU": {set(eventCPU, forge.Int32s(-1)), ErrDamaged, "out of range"},
		"a state": {set(eventState, forge.Optional(forge.Int32s(1<<16))), ErrDamaged,
			"out of range"},
		"flags": {set(eventFlags, forge.Int32s(256)), ErrDamaged, "out of range"},
		"a priority": {set(eventPrio, forge.Optional(forge.Int32s(-1))), ErrDamaged,
			"out of range"},
		"another priority": {set(eventOtherPrio, forge.Optional(forge.Int32s(256))), ErrDamaged,
			"out of range"},
		"a kind without end": {set(eventKind, forge.Plain(parquet.Dictionary, 1, []byte{1, 2, 0})),
			ErrDamaged, "column kind"},
		"an index of a kind": {func(f *forge.Table) {
			f.Groups[0].Pages[eventKind][1] = forge.Plain(parquet.Dictionary, 1, []byte{1, 2, 1})
		}, ErrDamaged, "column kind"},
		"kinds as they are": {func(f *forge.Table) {
			f.Groups[0].Pages[eventKind][1] = forge.Plain(parquet.Plain, 1,
				[]byte("\x06\x00\x00\x00switch"))
		}, ErrDamaged, "encoding"},
		"levels of NULL": {func(f *forge.Table) {
			f.Groups[0].Pages[eventState][0].Body[0] = 4
		}, ErrDamaged, "column state"},
		"time backwards": {func(f *forge.Table) {
			second := f.Groups[0]
			second.Pages = append([][]forge.Page{{forge.Int64s(-1)}}, second.Pages[1:]...)
			f.Groups = append(f.Groups, second)
			f.Rows = 2
		}, ErrDamaged, "event 1: its time -1 is before 0"},
		"an unknown kind": {func(f *forge.Table) {
			f.Groups[0].Pages[eventKind][0] = forge.Texts("tw\ntch")
		}, ErrNewer, `kind "tw\ntch"`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := copyRun(t, whole)
			f := forgedEvents()
			test.spoil(&f)
			replace(t, dir, eventsName, f.Bytes(), f.Rows)
			err := readAll(t, dir)
			if !errors.Is(err, test.wants) || errors.Is(err, parquet.ErrPanic) ||
				!strings.Contains(err.Error(), test.says) ||
				!strings.Contains(err.Error(), eventsName) {
				t.Errorf("error %v, want one with %q", err, test.says)
			}
		})
	}
}

// What is no run, or one of a later version, is refused with what to do about it.
func TestNoRun(t *testing.T) {
	whole := smallRun(t)
	manifest := func(change func([]byte) []byte) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			path := filepath.Join(dir, ManifestName)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, change(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	swap := func(from, to string) func(t *testing.T, dir string) {
		return manifest(func(b []byte) []byte {
			return bytes.Replace(b, []byte(from), []byte(to), 1)
		})
	}
	for name, test := range map[string]struct {
		spoil func(t *testing.T, dir string)
		wants error
		says  string
	}{
		"nothing there": {func(t *testing.T, dir string) {
			os.RemoveAll(dir)
		}, fs.ErrNotExist, "no such file"},
		"no manifest": {func(t *testing.T, dir string) {
			os.Remove(filepath.Join(dir, ManifestName))
		}, ErrIncomplete, "switchyard recover "},
		"no events": {func(t *testing.T, dir string) {
			os.Remove(filepath.Join(dir, eventsName))
		}, fs.ErrNotExist, eventsName},
		"newer":      {swap("run/4", "run/5"), ErrNewer, "schema switchyard.run/5"},
		"much newer": {swap("run/4", "run/17"), ErrNewer, "schema switchyard.run/17"},
		"another program": {swap("switchyard.run/4", "switchyard.compare/1"), ErrDamaged,
			"switchyard.compare/1"},
		"a version of air": {swap("run/4", "run/-1"), ErrDamaged, "its schema"},
		"not JSON": {manifest(func(b []byte) []byte {
			return b[:len(b)/2]
		}), ErrDamaged, ManifestName},
		"empty": {manifest(func([]byte) []byte {
			return nil
		}), ErrDamaged, ManifestName},
		"too long": {manifest(func(b []byte) []byte {
			return append(b, bytes.Repeat([]byte(" "), maxManifest)...)
		}), ErrDamaged, "more than it can have"},
		"other types": {swap(`"window": {`, `"window": {"open_ns": "x",`), ErrDamaged,
			ManifestName},
		"a window":    {swap(`"close_ns": `, `"close_ns": -`), ErrDamaged, "window closes"},
		"below zero":  {swap(`"rows": `, `"rows": -`), ErrDamaged, "-"},
		"other rows":  {swap(`"rows": `, `"rows": 9`), ErrDamaged, "manifest says 9"},
		"other bytes": {swap(`"bytes": `, `"bytes": 9`), ErrDamaged, "manifest says 9"},
		"tasks": {manifest(func(b []byte) []byte {
			return bytes.Replace(b, []byte(`"rows": 20`), []byte(`"rows": 16777217`), 1)
		}), ErrDamaged, "16777217 tasks"},
		"a pipe": {func(t *testing.T, dir string) {
			path := filepath.Join(dir, tasksName)
			os.Remove(path)
			if err := unix.Mkfifo(path, 0o600); err != nil {
				t.Fatal(err)
			}
		}, ErrDamaged, "no regular file"},
		"a directory": {func(t *testing.T, dir string) {
			path := filepath.Join(dir, lostName)
			os.Remove(path)
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, ErrDamaged, "no regular file"},
		"a way out": {func(t *testing.T, dir string) {
			path := filepath.Join(dir, lostName)
			if err := os.Rename(path, filepath.Join(dir, "..", lostName)); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink("../"+lostName, path); err != nil {
				t.Fatal(err)
			}
		}, nil, "escapes"},
		"a load": {func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, loadName), []byte("{"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, ErrDamaged, loadName},
		"another table": {func(t *testing.T, dir string) {
			data, err := os.ReadFile(filepath.Join(dir, tasksName))
			if err != nil {
				t.Fatal(err)
			}
			replace(t, dir, snapshotsName, data, 20)
		}, ErrDamaged, snapshotsName},
	} {
		t.Run(name, func(t *testing.T) {
			dir := copyRun(t, whole)
			test.spoil(t, dir)
			err := readAll(t, dir)
			if err == nil || test.wants != nil && !errors.Is(err, test.wants) ||
				!strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v, want one with %q", err, test.says)
			}
		})
	}
}

// A run without load has none; a file that is not ours is in nobody's way.
func TestOtherFiles(t *testing.T) {
	dir := smallRun(t)
	os.Remove(filepath.Join(dir, loadName))
	if err := os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if load, err := r.Load(); load != nil || err != nil {
		t.Errorf("load %q, %v", load, err)
	}
	for e, err := range r.Events() {
		if err != nil {
			t.Fatal(err)
		}
		if e.Time > 0 {
			break // an iteration that ends early leaves nothing behind
		}
	}
}

// Names that lead a terminal or a report astray come back as they are: who shows them makes them
// harmless.
func TestNamesAreData(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	name := "\x1b[2J<b>\u202e'; DROP"
	s := newStream(1, 2, 3, false)
	tasks := s.table()
	tasks[1].Name = name
	tasks[2].Name = strings.Repeat("long", 100)
	write(t, dir, nil, tasks)
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got := r.Tasks()[1].Name; got != name {
		t.Errorf("name %q, want %q", got, name)
	}
	if got := r.Tasks()[2].Name; got != strings.Repeat("long", 100)[:maxName] {
		t.Errorf("a long name is %q", got)
	}
}

// A run of the third schema, which had no books of a task's last switch, reads as it did.
func TestThirdSchema(t *testing.T) {
	dir := smallRun(t)
	name := filepath.Join(dir, ManifestName)
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	old := bytes.Replace(data, []byte(Schema), []byte("switchyard.run/3"), 1)
	if err := os.WriteFile(name, old, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if open, end := r.Snapshots(); len(open) != 1 || len(end) != 1 || len(r.Last()) != 0 {
		t.Errorf("snapshots %v and %v, last switches %v", open, end, r.Last())
	}
}

// A manifest of the second schema, which had the verdict in it and percentiles of what switches
// cost, reads as it did.
func TestSecondSchema(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	w, err := Create(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Commit(someManifest()); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, ManifestName)
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	m["schema"] = "switchyard.run/2"
	m["checks"] = []any{map[string]any{"name": "nvcsw", "status": "pass", "traced": 23,
		"kernel": 23}}
	m["options"] = map[string]any{"of": "sleep 1", "all": true, "syscalls": false,
		"buffer_bytes": 4096, "cpus_online": 2, "steal_ns": 7,
		"interrupts_ns": 8, "switch_cost_ns": map[string]any{"thread": map[string]any{"n": 3,
			"p50": 1200.5}}}
	if data, err = json.Marshal(m); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	o := r.Manifest().Options
	if o.Of != "sleep 1" || !o.All || o.Buffer != 4096 || o.Online != 2 || *o.Steal != 7 ||
		*o.Interrupts != 8 || o.SwitchCost != nil ||
		!bytes.Contains(o.Percentiles, []byte("1200.5")) {
		t.Errorf("options %+v", o)
	}
}

// A run of the first schema, whose differences begin anew with each row group, reads as it did.
func TestFirstSchema(t *testing.T) {
	s := newStream(1, 4, 300, false)
	events := s.events(groupRows + 5000)
	dir := filepath.Join(t.TempDir(), "run")
	w, err := Create(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for i := range events {
		if i%groupRows == 0 {
			w.eventRows.predictor.forget()
		}
		if err := w.Event(&events[i]); err != nil {
			t.Fatal(err)
		}
	}
	w.Tasks(s.table())
	if err := w.Commit(someManifest()); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, ManifestName)
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, bytes.Replace(data, []byte(Schema), []byte("switchyard.run/1"), 1),
		0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	sameEvents(t, r, events)
	sameEvents(t, r, events) // and once more
}
