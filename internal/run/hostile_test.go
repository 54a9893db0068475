package run

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"switchyard/trace/event"

	"github.com/klauspost/compress/zstd"
)

// replace puts data in the place of a file of a run, and makes the manifest say what the file says of itself.
func replace(t testing.TB, dir, name string, data []byte, rows int64) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, manifestName)
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
	w.Snapshots([]event.Snapshot{{Time: 1, Task: 3, NVCSW: 7}}, []event.Snapshot{{Time: 2, Task: 3, NVCSW: 9, HasRunDelay: true}})
	w.Lost([]event.Lost{{CPU: 0, First: 10, Last: 11, Count: 3}, {CPU: 1, First: 20, Last: 22, Count: 4}})
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
	replace(t, dir, lostName, forgedLost().bytes(), 2)
	replace(t, dir, eventsName, forgedEvents().bytes(), 1)
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got := r.Lost(); len(got) != 2 || got[1] != (event.Lost{CPU: 1, First: 20, Last: 22, Count: 4}) {
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

// Each file is hostile in one way. The reader refuses it, in one line that names the file, and spends no memory on it.
func TestHostileTables(t *testing.T) {
	uvarints := func(list ...uint64) (b []byte) {
		for _, v := range list {
			b = binary.AppendUvarint(b, v)
		}
		return b
	}
	e, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	gigabyte := e.EncodeAll(make([]byte, 1<<30), nil)
	e.Close()
	whole := smallRun(t)
	page := func(p forgedPage) func(*forgedTable) {
		return func(t *forgedTable) { t.groups[0].pages[1] = []forgedPage{p} }
	}
	header := func(change func(*pageHeader)) func(*forgedTable) {
		return func(t *forgedTable) { change(&t.groups[0].pages[1][0].pageHeader) }
	}
	for name, spoil := range map[string]func(*forgedTable){
		"rows announced":       func(t *forgedTable) { t.rows = 1 << 40 },
		"rows of a group":      func(t *forgedTable) { t.rows, t.groups[0].rows = 1<<40, 1<<40 },
		"rows below zero":      func(t *forgedTable) { t.rows, t.groups[0].rows = -1, -1 },
		"no rows":              func(t *forgedTable) { t.rows, t.groups[0].rows = 0, 0 },
		"row groups":           func(t *forgedTable) { t.lists = 1 << 60 },
		"a column less":        func(t *forgedTable) { t.columns = t.columns[:3] },
		"a column twice":       func(t *forgedTable) { t.columns = append(t.columns, t.columns[0]) },
		"a chunk less":         func(t *forgedTable) { t.groups[0].pages = t.groups[0].pages[:3] },
		"a chunk more":         func(t *forgedTable) { t.groups[0].pages = append(t.groups[0].pages, nil) },
		"another name":         func(t *forgedTable) { t.columns[2].name = "last" },
		"another type":         func(t *forgedTable) { t.columns[1].physical = int32s },
		"another optionality":  func(t *forgedTable) { t.columns[1].optional = true },
		"a chunk before":       func(t *forgedTable) { t.groups[0].moved = -4 },
		"a chunk far before":   func(t *forgedTable) { t.groups[0].moved = -1 << 62 },
		"a chunk behind":       func(t *forgedTable) { t.groups[0].moved = 1 << 62 },
		"a chunk of gigabytes": func(t *forgedTable) { t.groups[0].spare = 1 << 40 },
		"a chunk below zero":   func(t *forgedTable) { t.groups[0].spare = -1 << 40 },
		"a chunk of megabytes": func(t *forgedTable) { t.groups[0].spare, t.tail = maxChunk, make([]byte, 2*maxChunk) },
		"another compression":  func(t *forgedTable) { t.groups[0].codec = 1 },
		"page size":            header(func(h *pageHeader) { h.packed = 1 << 30 }),
		"page size below zero": header(func(h *pageHeader) { h.packed = -1 }),
		"unpacked size":        header(func(h *pageHeader) { h.unpacked = 1<<31 - 1 }),
		"unpacked less":        header(func(h *pageHeader) { h.unpacked = 1 }),
		"unpacked below zero":  header(func(h *pageHeader) { h.unpacked = -1 }),
		"values":               header(func(h *pageHeader) { h.values = 1<<31 - 1 }),
		"values below zero":    header(func(h *pageHeader) { h.values = -2 }),
		"no values":            header(func(h *pageHeader) { h.values = 0 }),
		"levels":               header(func(h *pageHeader) { h.definitions = 8 }),
		"levels below zero":    header(func(h *pageHeader) { h.definitions = -8 }),
		"repetitions":          header(func(h *pageHeader) { h.repetitions = 1 }),
		"an unknown encoding":  header(func(h *pageHeader) { h.encoding = 77 }),
		"an unknown page":      header(func(h *pageHeader) { h.kind = 0 }),
		"not compressed":       header(func(h *pageHeader) { h.plain = false }),
		"a checksum":           header(func(h *pageHeader) { h.crc++ }),
		"too few pages":        func(t *forgedTable) { t.groups[0].pages[1] = []forgedPage{int64Page(10)} },
		"too many values":      func(t *forgedTable) { t.groups[0].pages[1] = []forgedPage{int64Page(10, 20, 30)} },
		"no dictionary":        page(plainPage(encodingDictionary, 2, []byte{1, 4, 0})),
		"an index width":       page(plainPage(encodingDictionary, 2, []byte{200, 4, 0})),
		"no width":             page(plainPage(encodingDictionary, 2, nil)),
		"a run of gigabytes":   page(plainPage(encodingDictionary, 2, append([]byte{1}, uvarints(1<<40, 0)...))),
		"packed gigabytes":     page(plainPage(encodingDictionary, 2, append([]byte{1}, uvarints(1<<40|1, 0)...))),
		"an empty run":         page(plainPage(encodingDictionary, 2, append([]byte{1}, uvarints(0, 1, 0)...))),
		"a run without value":  page(plainPage(encodingDictionary, 2, append([]byte{8}, uvarints(4)...))),
		"a count that overflows": page(plainPage(encodingDictionary, 2,
			[]byte{1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255})),
		"differences without end": page(plainPage(encodingDelta, 2, uvarints(128, 4, 1<<40, 0))),
		"fewer differences":       page(plainPage(encodingDelta, 2, uvarints(128, 4, 1, 0))),
		"a block of gigabytes":    page(plainPage(encodingDelta, 2, uvarints(1<<40, 4, 2, 0))),
		"no blocks":               page(plainPage(encodingDelta, 2, uvarints(0, 4, 2, 0))),
		"many small blocks":       page(plainPage(encodingDelta, 2, uvarints(128, 1<<40, 2, 0))),
		"blocks of no size":       page(plainPage(encodingDelta, 2, uvarints(128, 0, 2, 0))),
		"a width of 65":           page(plainPage(encodingDelta, 2, append(uvarints(128, 4, 2, 0), 0, 65, 0, 0, 0))),
		"differences missing":     page(plainPage(encodingDelta, 2, append(uvarints(128, 4, 2, 0), 0, 8, 0, 0, 0))),
		"nothing to decode":       page(plainPage(encodingDelta, 2, nil)),
		"a bomb": func(t *forgedTable) {
			t.groups[0].pages[1] = []forgedPage{{pageHeader{kind: pageDataV2, unpacked: 16, packed: int64(len(gigabyte)), values: 2}, gigabyte}}
		},
		"a dictionary that is a bomb": func(t *forgedTable) {
			t.groups[0].pages[1] = []forgedPage{{pageHeader{kind: pageDictionary, unpacked: maxPage, packed: int64(len(gigabyte)), values: 2},
				gigabyte}}
		},
		"a dictionary of millions": func(t *forgedTable) {
			t.groups[0].pages[1] = []forgedPage{{pageHeader{kind: pageDictionary, unpacked: 16, packed: 0, values: 1 << 30}, nil}}
		},
		"a dictionary with levels": func(t *forgedTable) {
			t.groups[0].pages[1] = []forgedPage{{pageHeader{kind: pageDictionary, values: 2, definitions: 1 << 30}, nil}}
		},
		"nothing but dictionaries": func(t *forgedTable) {
			d := forgedPage{pageHeader{kind: pageDictionary}, nil}
			t.groups[0].pages[1] = []forgedPage{d, d}
		},
		"no pages":             func(t *forgedTable) { t.groups[0].pages[1] = nil },
		"an interval backward": func(t *forgedTable) { t.groups[0].pages[1] = []forgedPage{int64Page(10, 90)} },
		"an unknown CPU":       func(t *forgedTable) { t.groups[0].pages[0] = []forgedPage{int32Page(0, -1)} },
		"another sum":          func(t *forgedTable) { t.groups[0].pages[3] = []forgedPage{int64Page(3, 5)} },
		"a negative count":     func(t *forgedTable) { t.groups[0].pages[3] = []forgedPage{int64Page(3, -4)} },
	} {
		t.Run(name, func(t *testing.T) {
			dir := copyRun(t, whole)
			f := forgedLost()
			spoil(&f)
			replace(t, dir, lostName, f.bytes(), f.rows)
			if f.rows < 0 { // the manifest cannot say that
				replace(t, dir, lostName, f.bytes(), 2)
			}
			err := readAll(t, dir)
			if !errors.Is(err, ErrDamaged) || errors.Is(err, errPanic) || !strings.Contains(err.Error(), lostName) ||
				!strings.Contains(err.Error(), "copy the run again") {
				t.Errorf("error %v", err)
			}
		})
	}
}

// A column that this version does not know is of a later one, and is passed over.
func TestUnknownColumn(t *testing.T) {
	dir := smallRun(t)
	f := forgedLost()
	f.columns = append(f.columns, columnSpec{name: "reason", physical: blobs, optional: true})
	f.groups[0].pages = append(f.groups[0].pages, []forgedPage{{pageHeader{kind: 99, packed: 3}, []byte("???")}})
	replace(t, dir, lostName, f.bytes(), 2)
	if err := readAll(t, dir); err != nil {
		t.Error(err)
	}
}

// Bytes at the ends and in the description of a table.
func TestHostileBytes(t *testing.T) {
	whole := smallRun(t)
	honest := forgedLost().bytes()
	footer := func(body []byte) []byte {
		out := append([]byte(magic), body...)
		out = binary.LittleEndian.AppendUint32(out, uint32(len(body)))
		return append(out, magic...)
	}
	nested := func(kind byte, n int) []byte {
		var b []byte
		for range n {
			b = append(b, 9<<4|kind) // a field that is skipped, of the same kind
		}
		return b
	}
	lists := []byte{9<<4 | thriftList}
	for range 1 << 20 {
		lists = append(lists, 1<<4|thriftList)
	}
	for name, data := range map[string][]byte{
		"empty":                   {},
		"two magics":              []byte("PAR1PAR1"),
		"three magics":            []byte("PAR1PAR1PAR1"),
		"half":                    honest[:len(honest)/2],
		"one byte less":           honest[:len(honest)-1],
		"no magic at the end":     append(honest[:len(honest)-4:len(honest)-4], "PARE"...),
		"no magic at the start":   append([]byte("PARE"), honest[4:]...),
		"no columns":              footer([]byte{0}),
		"nothing":                 footer(nil),
		"structures without end":  footer(nested(thriftStruct, 1<<20)),
		"lists without end":       footer(lists),
		"a list of truths":        footer(append([]byte{9<<4 | thriftList}, 0xf1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f)),
		"a map of nothing":        footer(append([]byte{9<<4 | thriftMap}, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x11)),
		"a text of exabytes":      footer(append([]byte{9<<4 | thriftBinary}, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f)),
		"an unknown kind":         footer([]byte{9<<4 | 14, 0}),
		"columns as a number":     footer([]byte{2<<4 | thriftI32, 2, 0}),
		"row groups before names": footer([]byte{4<<4 | thriftList, 1<<4 | thriftStruct, 0, 0}),
	} {
		t.Run(name, func(t *testing.T) {
			dir := copyRun(t, whole)
			replace(t, dir, lostName, data, 2)
			if err := readAll(t, dir); !errors.Is(err, ErrDamaged) || errors.Is(err, errPanic) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// A truncated table is refused. Most flipped bits are; some lie where nothing depends on them, and none brings the reader
// down.
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
				if err := readAll(t, dir); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), name) {
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
				case errors.Is(err, errPanic):
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
