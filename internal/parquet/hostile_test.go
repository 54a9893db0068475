package parquet_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"switchyard/internal/parquet"
	"switchyard/internal/parquet/forge"
)

var columns = []parquet.Column{
	{Name: "cpu", Physical: parquet.Int32s, Encoding: parquet.Dictionary},
	{Name: "first_ns", Physical: parquet.Int64s, Encoding: parquet.Delta},
	{Name: "last_ns", Physical: parquet.Int64s, Encoding: parquet.Delta},
	{Name: "count", Physical: parquet.Int64s, Encoding: parquet.Delta},
}

// honest is a well-made table of two rows, to be spoiled.
func honest() forge.Table {
	return forge.Table{Columns: append([]parquet.Column(nil), columns...), Rows: 2,
		Groups: []forge.Group{{Rows: 2, Codec: forge.Zstd, Pages: [][]forge.Page{
			{forge.Int32s(0, 1)}, {forge.Int64s(10, 20)}, {forge.Int64s(11, 22)},
			{forge.Int64s(3, 4)},
		}}}}
}

// read reads a table to its end, within a limit of memory.
func read(t *testing.T, data []byte) (rows [][4]int64, err error) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	table, err := parquet.Open(bytes.NewReader(data), int64(len(data)), columns)
	if err == nil {
		err = table.EachGroup(new(parquet.Reader), func(values []parquet.Values, n int) error {
			for i := range n {
				rows = append(rows, [4]int64{values[0].Ints[i], values[1].Ints[i],
					values[2].Ints[i], values[3].Ints[i]})
			}
			return nil
		})
	}
	runtime.ReadMemStats(&after)
	// What a table of a few kilobytes may take: one row group.
	if spent := after.TotalAlloc - before.TotalAlloc; spent > 32<<20 {
		t.Errorf("took %d MB of memory", spent>>20)
	}
	if err != nil && strings.ContainsAny(err.Error(), "\n\r") {
		t.Errorf("the error has more than one line: %q", err)
	}
	return rows, err
}

func TestHonestTable(t *testing.T) {
	rows, err := read(t, honest().Bytes())
	if err != nil || len(rows) != 2 || rows[0] != [4]int64{0, 10, 11, 3} || rows[1] != [4]int64{1,
		20, 22, 4} {
		t.Errorf("rows %v, error %v", rows, err)
	}
}

// Each file is hostile in one way. The reader refuses it, in one line, and spends no memory on it.
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
	page := func(p forge.Page) func(*forge.Table) {
		return func(t *forge.Table) { t.Groups[0].Pages[1] = []forge.Page{p} }
	}
	header := func(change func(*forge.Page)) func(*forge.Table) {
		return func(t *forge.Table) { change(&t.Groups[0].Pages[1][0]) }
	}
	for name, spoil := range map[string]func(*forge.Table){
		"rows announced":  func(t *forge.Table) { t.Rows = 1 << 40 },
		"rows of a group": func(t *forge.Table) { t.Rows, t.Groups[0].Rows = 1<<40, 1<<40 },
		"rows below zero": func(t *forge.Table) { t.Rows, t.Groups[0].Rows = -1, -1 },
		"no rows":         func(t *forge.Table) { t.Rows, t.Groups[0].Rows = 0, 0 },
		"row groups":      func(t *forge.Table) { t.Lists = 1 << 60 },
		"a column less":   func(t *forge.Table) { t.Columns = t.Columns[:3] },
		"a column twice": func(t *forge.Table) {
			t.Columns = append(t.Columns, t.Columns[0])
		},
		"a chunk less": func(t *forge.Table) { t.Groups[0].Pages = t.Groups[0].Pages[:3] },
		"a chunk more": func(t *forge.Table) {
			t.Groups[0].Pages = append(t.Groups[0].Pages, nil)
		},
		"another name":         func(t *forge.Table) { t.Columns[2].Name = "last" },
		"another type":         func(t *forge.Table) { t.Columns[1].Physical = parquet.Int32s },
		"another optionality":  func(t *forge.Table) { t.Columns[1].Optional = true },
		"a chunk before":       func(t *forge.Table) { t.Groups[0].Moved = -4 },
		"a chunk far before":   func(t *forge.Table) { t.Groups[0].Moved = -1 << 62 },
		"a chunk behind":       func(t *forge.Table) { t.Groups[0].Moved = 1 << 62 },
		"a chunk of gigabytes": func(t *forge.Table) { t.Groups[0].Spare = 1 << 40 },
		"a chunk below zero":   func(t *forge.Table) { t.Groups[0].Spare = -1 << 40 },
		"a chunk of megabytes": func(t *forge.Table) {
			t.Groups[0].Spare, t.Tail = parquet.MaxChunk, make([]byte, 2*parquet.MaxChunk)
		},
		"another compression":  func(t *forge.Table) { t.Groups[0].Codec = 1 },
		"page size":            header(func(h *forge.Page) { h.Packed = 1 << 30 }),
		"page size below zero": header(func(h *forge.Page) { h.Packed = -1 }),
		"unpacked size":        header(func(h *forge.Page) { h.Unpacked = 1<<31 - 1 }),
		"unpacked less":        header(func(h *forge.Page) { h.Unpacked = 1 }),
		"unpacked below zero":  header(func(h *forge.Page) { h.Unpacked = -1 }),
		"values":               header(func(h *forge.Page) { h.Values = 1<<31 - 1 }),
		"values below zero":    header(func(h *forge.Page) { h.Values = -2 }),
		"no values":            header(func(h *forge.Page) { h.Values = 0 }),
		"levels":               header(func(h *forge.Page) { h.Definitions = 8 }),
		"levels below zero":    header(func(h *forge.Page) { h.Definitions = -8 }),
		"repetitions":          header(func(h *forge.Page) { h.Repetitions = 1 }),
		"an unknown encoding":  header(func(h *forge.Page) { h.Encoding = 77 }),
		"an unknown page":      header(func(h *forge.Page) { h.Kind = 0 }),
		"not compressed":       header(func(h *forge.Page) { h.Uncompressed = false }),
		"a checksum":           header(func(h *forge.Page) { h.CRC++ }),
		"too few pages": func(t *forge.Table) {
			t.Groups[0].Pages[1] = []forge.Page{forge.Int64s(10)}
		},
		"too many values": func(t *forge.Table) {
			t.Groups[0].Pages[1] = []forge.Page{forge.Int64s(10, 20, 30)}
		},
		"no dictionary":  page(forge.Plain(parquet.Dictionary, 2, []byte{1, 4, 0})),
		"an index width": page(forge.Plain(parquet.Dictionary, 2, []byte{200, 4, 0})),
		"no width":       page(forge.Plain(parquet.Dictionary, 2, nil)),
		"a run of gigabytes": page(forge.Plain(parquet.Dictionary, 2,
			append([]byte{1}, uvarints(1<<40, 0)...))),
		"packed gigabytes": page(forge.Plain(parquet.Dictionary, 2,
			append([]byte{1}, uvarints(1<<40|1, 0)...))),
		"an empty run": page(forge.Plain(parquet.Dictionary, 2,
			append([]byte{1}, uvarints(0, 1, 0)...))),
		"a run without value": page(forge.Plain(parquet.Dictionary, 2,
			append([]byte{8}, uvarints(4)...))),
		"a count that overflows": page(forge.Plain(parquet.Dictionary, 2,
			[]byte{1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255})),
		"differences without end": page(forge.Plain(parquet.Delta, 2, uvarints(128, 4, 1<<40, 0))),
		"fewer differences":       page(forge.Plain(parquet.Delta, 2, uvarints(128, 4, 1, 0))),
		"a block of gigabytes":    page(forge.Plain(parquet.Delta, 2, uvarints(1<<40, 4, 2, 0))),
		"no blocks":               page(forge.Plain(parquet.Delta, 2, uvarints(0, 4, 2, 0))),
		"many small blocks":       page(forge.Plain(parquet.Delta, 2, uvarints(128, 1<<40, 2, 0))),
		"blocks of no size":       page(forge.Plain(parquet.Delta, 2, uvarints(128, 0, 2, 0))),
		"a width of 65": page(forge.Plain(parquet.Delta, 2, append(uvarints(128, 4, 2, 0),
			0, 65, 0, 0, 0))),
		"differences missing": page(forge.Plain(parquet.Delta, 2, append(uvarints(128, 4, 2, 0),
			0, 8, 0, 0, 0))),
		"nothing to decode": page(forge.Plain(parquet.Delta, 2, nil)),
		"a bomb": func(t *forge.Table) {
			t.Groups[0].Pages[1] = []forge.Page{{Kind: forge.DataPage, Unpacked: 16,
				Packed: int64(len(gigabyte)), Values: 2, Body: gigabyte}}
		},
		"a dictionary that is a bomb": func(t *forge.Table) {
			t.Groups[0].Pages[1] = []forge.Page{{Kind: forge.DictionaryPage,
				Unpacked: parquet.MaxPage, Packed: int64(len(gigabyte)), Values: 2, Body: gigabyte}}
		},
		"a dictionary of millions": func(t *forge.Table) {
			t.Groups[0].Pages[1] = []forge.Page{{Kind: forge.DictionaryPage, Unpacked: 16,
				Packed: 0, Values: 1 << 30}}
		},
		"a dictionary with levels": func(t *forge.Table) {
			t.Groups[0].Pages[1] = []forge.Page{{Kind: forge.DictionaryPage, Values: 2,
				Definitions: 1 << 30}}
		},
		"nothing but dictionaries": func(t *forge.Table) {
			d := forge.Page{Kind: forge.DictionaryPage}
			t.Groups[0].Pages[1] = []forge.Page{d, d}
		},
		"no pages": func(t *forge.Table) { t.Groups[0].Pages[1] = nil },
	} {
		t.Run(name, func(t *testing.T) {
			f := honest()
			spoil(&f)
			if _, err := read(t, f.Bytes()); err == nil || errors.Is(err, parquet.ErrPanic) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// A column that this version does not know is of a later one, and is passed over.
func TestUnknownColumn(t *testing.T) {
	f := honest()
	f.Columns = append(f.Columns, parquet.Column{Name: "reason", Physical: parquet.Blobs,
		Optional: true})
	f.Groups[0].Pages = append(f.Groups[0].Pages,
		[]forge.Page{{Kind: 99, Packed: 3, Body: []byte("???")}})
	if rows, err := read(t, f.Bytes()); err != nil || len(rows) != 2 {
		t.Errorf("rows %v, error %v", rows, err)
	}
}

// Bytes at the ends and in the description of a table.
func TestHostileBytes(t *testing.T) {
	honest := honest().Bytes()
	footer := func(body []byte) []byte {
		return append([]byte(forge.Magic), forge.Footer(body)...)
	}
	nested := func(kind byte, n int) []byte {
		var b []byte
		for range n {
			b = append(b, 9<<4|kind) // a field that is skipped, of the same kind
		}
		return b
	}
	lists := []byte{9<<4 | forge.List}
	for range 1 << 20 {
		lists = append(lists, 1<<4|forge.List)
	}
	for name, data := range map[string][]byte{
		"empty":                  {},
		"two magics":             []byte("PAR1PAR1"),
		"three magics":           []byte("PAR1PAR1PAR1"),
		"half":                   honest[:len(honest)/2],
		"one byte less":          honest[:len(honest)-1],
		"no magic at the end":    append(honest[:len(honest)-4:len(honest)-4], "PARE"...),
		"no magic at the start":  append([]byte("PARE"), honest[4:]...),
		"no columns":             footer([]byte{0}),
		"nothing":                footer(nil),
		"structures without end": footer(nested(forge.Struct, 1<<20)),
		"lists without end":      footer(lists),
		"a list of truths": footer(append([]byte{9<<4 | forge.List}, 0xf1, 0xff, 0xff, 0xff,
			0xff, 0xff, 0xff, 0xff, 0xff, 0x7f)),
		"a map of nothing": footer(append([]byte{9<<4 | forge.Map}, 0xff, 0xff, 0xff, 0xff,
			0xff, 0xff, 0xff, 0xff, 0x7f, 0x11)),
		"a text of exabytes": footer(append([]byte{9<<4 | forge.Binary}, 0xff, 0xff, 0xff,
			0xff, 0xff, 0xff, 0xff, 0xff, 0x7f)),
		"an unknown kind":         footer([]byte{9<<4 | 14, 0}),
		"columns as a number":     footer([]byte{2<<4 | forge.I32, 2, 0}),
		"row groups before names": footer([]byte{4<<4 | forge.List, 1<<4 | forge.Struct, 0, 0}),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := read(t, data); err == nil || errors.Is(err, parquet.ErrPanic) {
				t.Errorf("error %v", err)
			}
		})
	}
}
