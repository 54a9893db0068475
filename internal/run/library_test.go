package run

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	library "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"switchyard/internal/parquet"
)

// sameToLibrary compares what a library for all of Parquet finds in the tables of a run with what
// the Reader does. The Writer and the Reader were made for each other: that they agree says nothing
// to other programs.
func sameToLibrary(t *testing.T, dir string) {
	t.Helper()
	for name, columns := range map[string][]parquet.Column{
		eventsName: eventColumns[:], tasksName: taskColumns[:], snapshotsName: snapshotColumns[:],
		lostName: lostColumns[:],
	} {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		ours, err := parquet.Open(f, info.Size(), columns)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := library.OpenFile(f, info.Size())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if theirs.NumRows() != ours.Rows() || len(theirs.RowGroups()) != ours.Groups() {
			t.Fatalf("%s: %d rows in %d groups, want %d in %d", name, theirs.NumRows(),
				len(theirs.RowGroups()), ours.Rows(), ours.Groups())
		}
		var groups parquet.Reader
		for i, g := range theirs.RowGroups() {
			want, err := groups.Read(ours, i)
			if err != nil {
				t.Fatal(err)
			}
			for k := range columns {
				about := &theirs.Metadata().RowGroups[i].Columns[k].MetaData
				if !sameColumn(t, &columns[k], &want[k], values(t, g.ColumnChunks()[k]), about) {
					t.Errorf("in %s, row group %d", name, i)
				}
			}
		}
	}
}

// values returns the values of a part of a column.
func values(t *testing.T, chunk library.ColumnChunk) (list []library.Value) {
	t.Helper()
	pages := chunk.Pages()
	defer pages.Close()
	for {
		p, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		page := make([]library.Value, p.NumValues())
		if n, err := p.Values().ReadValues(page); n != len(page) || err != nil &&
			!errors.Is(err, io.EOF) {
			t.Fatalf("%d values of %d: %v", n, len(page), err)
		}
		for i := range page {
			page[i] = page[i].Clone()
		}
		list = append(list, page...)
		library.Release(p)
	}
}

// sameColumn compares values and what the file says of all of them.
func sameColumn(t *testing.T, spec *parquet.Column, want *parquet.Values, got []library.Value,
	about *format.ColumnMetaData) bool {
	t.Helper()
	if len(got) != len(want.Ints) {
		t.Errorf("%s has %d values, want %d", spec.Name, len(got), len(want.Ints))
		return false
	}
	var least, most library.Value
	nulls := int64(0)
	less := func(a, b library.Value) bool {
		if spec.Physical == parquet.Blobs {
			return bytes.Compare(a.ByteArray(), b.ByteArray()) < 0
		}
		return number(a) < number(b)
	}
	for i, v := range got {
		null := want.Null != nil && want.Null[i]
		if v.IsNull() != null || !null && spec.Physical == parquet.Blobs &&
			string(v.ByteArray()) != want.Text(i) ||
			!null && spec.Physical != parquet.Blobs && number(v) != want.Ints[i] {
			t.Errorf("row %d of %s is %v, want %d", i, spec.Name, v, want.Ints[i])
			return false
		}
		switch {
		case null:
			nulls++
		case least.IsNull():
			least, most = v, v
		case less(v, least):
			least = v
		case less(most, v):
			most = v
		}
	}
	said := &about.Statistics
	if said.NullCount != nulls || about.NumValues != int64(len(got)) {
		t.Errorf("%s says %d rows, %d NULL, want %d, %d", spec.Name, about.NumValues,
			said.NullCount, len(got), nulls)
		return false
	}
	if nulls == int64(len(got)) {
		return said.MinValue == nil && said.MaxValue == nil
	}
	if !bytes.Equal(said.MinValue, least.Bytes()) || !bytes.Equal(said.MaxValue, most.Bytes()) {
		t.Errorf("%s says that values are %x to %x, want %x to %x", spec.Name, said.MinValue,
			said.MaxValue, least.Bytes(), most.Bytes())
		return false
	}
	return true
}

func number(v library.Value) int64 {
	switch v.Kind() {
	case library.Boolean:
		return truth(v.Boolean())
	case library.Int32:
		return int64(v.Int32())
	}
	return v.Int64()
}
