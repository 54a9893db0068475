package run

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"switchyard/internal/parquet"
	"switchyard/trace/event"
)

// fuzzTable feeds a table to the reader. Whatever it is, the reader ends, with an error of one line
// or without, within a limit of memory, and does not need to be caught.
func fuzzTable(f *testing.F, name string, columns []parquet.Column,
	take func(*Reader, *parquet.Reader, *parquet.Table) error, seeds ...[]byte) {
	whole, err := os.ReadFile(filepath.Join(smallRun(f), name))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	for _, s := range seeds {
		f.Add(s)
	}
	groups := new(parquet.Reader)
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		table, err := parquet.Open(bytes.NewReader(data), int64(len(data)), columns)
		if err == nil && table.Rows() <= 1<<20 {
			err = take(&Reader{Files: &Files{}, tasks: make([]event.Task, 20),
				manifest: Manifest{Tables: Tables{Tasks: Table{Rows: table.Rows()}}}},
				groups, table)
		}
		runtime.ReadMemStats(&after)
		if spent := after.TotalAlloc - before.TotalAlloc; spent > 512<<20 {
			t.Errorf("took %d MB of memory", spent>>20)
		}
		if err != nil && (errors.Is(err, parquet.ErrPanic) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("error %q", err)
		}
	})
}

func FuzzOpenTasks(f *testing.F) {
	fuzzTable(f, tasksName, taskColumns[:], func(r *Reader, g *parquet.Reader,
		t *parquet.Table) error {
		r.tasks = nil
		return t.EachGroup(g, r.addTasks)
	})
}

func FuzzOpenSnapshots(f *testing.F) {
	fuzzTable(f, snapshotsName, snapshotColumns[:], func(r *Reader, g *parquet.Reader,
		t *parquet.Table) error {
		return t.EachGroup(g, r.addSnapshots)
	})
}

func FuzzOpenLost(f *testing.F) {
	fuzzTable(f, lostName, lostColumns[:], func(r *Reader, g *parquet.Reader,
		t *parquet.Table) error {
		return t.EachGroup(g, r.addLost)
	}, forgedLost().Bytes())
}

func FuzzOpenEvents(f *testing.F) {
	fuzzTable(f, eventsName, eventColumns[:], func(r *Reader, g *parquet.Reader,
		t *parquet.Table) (err error) {
		r.events = t
		last := int64(-1 << 63)
		r.eventsOf(g, func(e *event.Event, failed error) bool {
			if err = failed; err != nil {
				return true
			}
			if e.Time < last || e.Kind == 0 || int(e.Task) >= len(r.tasks) {
				err = errors.New("\nan event that should have been refused")
			}
			last = e.Time
			return true
		})
		return err
	}, forgedEvents().Bytes())
}

func FuzzOpenManifest(f *testing.F) {
	whole, err := os.ReadFile(filepath.Join(smallRun(f), ManifestName))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte(`{"schema":"switchyard.run/4"}`))
	f.Add([]byte(`{"schema":"switchyard.run/1","tables":{"tasks":{"rows":16777217}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := Reader{Files: &Files{}}
		known := []string{Schema, schema3, schema2, schema1}
		switch err := r.parseManifest(data); {
		case err == nil && !slices.Contains(known, r.manifest.Schema):
			t.Errorf("schema %q", r.manifest.Schema)
		case err != nil && strings.Contains(err.Error(), "\n"):
			t.Errorf("error %q", err)
		}
	})
}
