package run

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"switchyard/trace/event"
)

// fuzzTable feeds a table to the reader. Whatever it is, the reader ends, with an error of one line or without, within a
// limit of memory, and does not need to be caught.
func fuzzTable(f *testing.F, name string, columns []columnSpec, take func(*Reader, *groupReader, *table) error, seeds ...[]byte) {
	whole, err := os.ReadFile(filepath.Join(smallRun(f), name))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	for _, s := range seeds {
		f.Add(s)
	}
	groups := new(groupReader)
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		table, err := openTable(bytes.NewReader(data), int64(len(data)), columns)
		if err == nil && table.rows <= 1<<20 {
			err = take(&Reader{tasks: make([]event.Task, 20), manifest: Manifest{Tables: Tables{Tasks: Table{Rows: table.rows}}}}, groups, table)
		}
		runtime.ReadMemStats(&after)
		if spent := after.TotalAlloc - before.TotalAlloc; spent > 512<<20 {
			t.Errorf("took %d MB of memory", spent>>20)
		}
		if err != nil && (errors.Is(err, errPanic) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("error %q", err)
		}
	})
}

func FuzzOpenTasks(f *testing.F) {
	fuzzTable(f, tasksName, taskColumns[:], func(r *Reader, g *groupReader, t *table) error {
		r.tasks = nil
		return t.eachGroup(g, r.addTasks)
	})
}

func FuzzOpenSnapshots(f *testing.F) {
	fuzzTable(f, snapshotsName, snapshotColumns[:], func(r *Reader, g *groupReader, t *table) error {
		return t.eachGroup(g, r.addSnapshots)
	})
}

func FuzzOpenLost(f *testing.F) {
	fuzzTable(f, lostName, lostColumns[:], func(r *Reader, g *groupReader, t *table) error {
		return t.eachGroup(g, r.addLost)
	}, forgedLost().bytes())
}

func FuzzOpenEvents(f *testing.F) {
	fuzzTable(f, eventsName, eventColumns[:], func(r *Reader, g *groupReader, t *table) (err error) {
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
	}, forgedEvents().bytes())
}

func FuzzOpenManifest(f *testing.F) {
	whole, err := os.ReadFile(filepath.Join(smallRun(f), manifestName))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte(`{"schema":"switchyard.run/3"}`))
	f.Add([]byte(`{"schema":"switchyard.run/1","tables":{"tasks":{"rows":16777217}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var r Reader
		switch err := r.parseManifest(data); {
		case err == nil && r.manifest.Schema != Schema && r.manifest.Schema != schema1:
			t.Errorf("schema %q", r.manifest.Schema)
		case err != nil && strings.Contains(err.Error(), "\n"):
			t.Errorf("error %q", err)
		}
	})
}

// FuzzPage reaches the decoders of values, which checksums and compression hide from the others.
func FuzzPage(f *testing.F) {
	f.Add(byte(encodingDictionary), byte(int32s), true, uint16(9), []byte{18, 1}, []byte{2, 3, 0x1b, 0})
	f.Add(byte(encodingDelta), byte(int64s), false, uint16(40), []byte{}, []byte{128, 1, 4, 40, 2, 2, 3, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
	f.Add(byte(encodingDelta), byte(int32s), false, uint16(3), []byte{}, []byte{128, 1, 4, 3, 2, 2, 64, 64, 64, 64, 1, 2, 3, 4, 5, 6, 7, 8})
	f.Add(byte(encodingPlain), byte(booleans), false, uint16(11), []byte{}, []byte{0xff, 1})
	f.Fuzz(func(t *testing.T, encoding, kind byte, optional bool, n uint16, levels, body []byte) {
		r := groupReader{dictionary: []int64{1, 2, 3}}
		ints := make([]int64, n)
		var null []bool
		if optional {
			null = make([]bool, n)
		}
		spec := columnSpec{name: "c", physical: physical(kind), optional: optional}
		if r.values(spec, ints, null, levels, body, int64(encoding)) != nil {
			return
		}
		for i := range null {
			if null[i] && ints[i] != 0 {
				t.Errorf("row %d is NULL and %d", i, ints[i])
			}
		}
	})
}
