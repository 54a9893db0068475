package run

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"switchyard/internal/parquet"
	"switchyard/internal/parquet/forge"
	"switchyard/trace/event"
)

// replace puts data in the place of a file of a run, and makes the manifest say what the file says
// of itself.
func replace(t testing.TB, dir, name string, data []byte, rows int64) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, ManifestName)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var m Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	table := Table{rows, int64(len(data))}
	switch name {
	case eventsName:
		m.Tables.Events = table
	case tasksName:
		m.Tables.Tasks = table
	case snapshotsName:
		m.Tables.Snapshots = table
	case lostName:
		m.Tables.Lost = table
		m.Lost = LostSum{2, 7}
	}
	text, err = json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// readAll reads a run to its end, within a limit of memory, and returns what went wrong.
func readAll(t testing.TB, dir string) error {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := read(dir)
	runtime.ReadMemStats(&after)
	// What a run of a few kilobytes may take: a row group of events and one of each other table.
	if spent := after.TotalAlloc - before.TotalAlloc; spent > 64<<20 {
		t.Errorf("took %d MB of memory", spent>>20)
	}
	if err != nil && strings.ContainsAny(err.Error(), "\n\r") {
		t.Errorf("the error has more than one line: %q", err)
	}
	return err
}

func read(dir string) error {
	r, err := Open(dir)
	if err != nil {
		return err
	}
	defer r.Close()
	for _, err := range r.Events() {
		if err != nil {
			return err
		}
	}
	_, err = r.Load()
	return err
}

// smallRun makes a run with something in every table, and returns its directory.
func smallRun(t testing.TB) string {
	t.Helper()
	s := newStream(1, 2, 20, true)
	dir := filepath.Join(t.TempDir(), "run")
	w, err := Create(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for _, e := range s.events(300) {
		if err := w.Event(&e); err != nil {
			t.Fatal(err)
		}
	}
	w.Tasks(s.table())
	w.Snapshots([]event.Snapshot{{Time: 1, Task: 3, NVCSW: 7}},
		[]event.Snapshot{{Time: 2, Task: 3, NVCSW: 9, HasRunDelay: true}})
	w.Lost([]event.Lost{{CPU: 0, First: 10, Last: 11, Count: 3}, {CPU: 1, First: 20, Last: 22,
		Count: 4}})
	w.Load([]byte(`{"requests":1}`))
	if err := w.Commit(someManifest()); err != nil {
		t.Fatal(err)
	}
	return dir
}

// copyRun copies a run: making one waits for the disk.
func copyRun(t testing.TB, from string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestForgedTablesAreReadWhenHonest(t *testing.T) {
	dir := smallRun(t)
	replace(t, dir, lostName, forgedLost().Bytes(), 2)
	replace(t, dir, eventsName, forgedEvents().Bytes(), 1)
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got := r.Lost(); len(got) != 2 || got[1] != (event.Lost{CPU: 1, First: 20, Last: 22,
		Count: 4}) {
		t.Errorf("lost %+v", got)
	}
	n := 0
	for e, err := range r.Events() {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind != event.Switch {
			t.Errorf("kind %d", e.Kind)
		}
		n++
	}
	if n != 1 {
		t.Errorf("%d events", n)
	}
}

// What no table of lost intervals can say is refused, in one line that names the file. What no
// table at all can be, tests of package parquet try.
func TestHostileTables(t *testing.T) {
	whole := smallRun(t)
	for name, spoil := range map[string]func(*forge.Table){
		"rows announced":  func(t *forge.Table) { t.Rows = 1 << 40 },
		"rows below zero": func(t *forge.Table) { t.Rows, t.Groups[0].Rows = -1, -1 },
		"a checksum":      func(t *forge.Table) { t.Groups[0].Pages[1][0].CRC++ },
		"an interval backward": func(t *forge.Table) {
			t.Groups[0].Pages[1] = []forge.Page{forge.Int64s(10, 90)}
		},
		"an unknown CPU": func(t *forge.Table) {
			t.Groups[0].Pages[0] = []forge.Page{forge.Int32s(0, -1)}
		},
		"another sum": func(t *forge.Table) {
			t.Groups[0].Pages[3] = []forge.Page{forge.Int64s(3, 5)}
		},
		"a negative count": func(t *forge.Table) {
			t.Groups[0].Pages[3] = []forge.Page{forge.Int64s(3, -4)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := copyRun(t, whole)
			f := forgedLost()
			spoil(&f)
			replace(t, dir, lostName, f.Bytes(), f.Rows)
			if f.Rows < 0 { // the manifest cannot say that
				replace(t, dir, lostName, f.Bytes(), 2)
			}
			err := readAll(t, dir)
			if !errors.Is(err, ErrDamaged) || errors.Is(err, parquet.ErrPanic) ||
				!strings.Contains(err.Error(), lostName) ||
				!strings.Contains(err.Error(), "copy the run again") {
				t.Errorf("error %v", err)
			}
		})
	}
}

// A truncated table is refused. Most flipped bits are; some lie where nothing depends on them, and
// none brings the reader down.
func TestDamage(t *testing.T) {
	for _, name := range []string{eventsName, tasksName, snapshotsName, lostName} {
		t.Run(name, func(t *testing.T) {
			dir := smallRun(t)
			path := filepath.Join(dir, name)
			whole, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range []int{0, 4, 11, 12, len(whole) / 3, len(whole) - 8, len(whole) - 1} {
				if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
					t.Fatal(err)
				}
				if err := readAll(t, dir); !errors.Is(err, ErrDamaged) ||
					!strings.Contains(err.Error(), name) {
					t.Errorf("of %d bytes %d: %v", len(whole), n, err)
				}
			}
			refused, tried := 0, 0
			for i := 0; i < len(whole); i += 1 + len(whole)/400 {
				bad := append([]byte(nil), whole...)
				bad[i] ^= 1 << (i % 8)
				if err := os.WriteFile(path, bad, 0o600); err != nil {
					t.Fatal(err)
				}
				tried++
				switch err := readAll(t, dir); {
				case errors.Is(err, parquet.ErrPanic):
					t.Fatalf("byte %d: %v", i, err)
				case err != nil:
					refused++
				}
			}
			if refused < tried/3 {
				t.Errorf("of %d flipped bits %d were found", tried, refused)
			}
		})
	}
}
