package parquet

import (
	"encoding/binary"
	"io"
)

// pageRows is how many rows a page has at most: their packed bits fit into one block of Zstandard,
// and what encodes them into a processor's cache.
const pageRows = 1 << 15

// A Writer writes a Parquet file (github.com/apache/parquet-format, README.md, "File format"). For
// each row, every column is given a value and then EndRow is called.
type Writer struct {
	to        io.Writer
	name, by  string
	Columns   []*ColumnWriter
	groupRows int

	inPage, inGroup int
	rows            int64
	offset          int64 // in the file
	chunk           []byte
	groups          int
	footer          thriftWriter // the description of the row groups so far
	err             error
}

// NewWriter begins a file, with row groups of so many rows. by says what kind of file it is, among
// what made it.
func NewWriter(to io.Writer, name, by string, columns []Column, groupRows int) *Writer {
	zstd := newCompressor()
	t := &Writer{to: to, name: name, by: by, groupRows: groupRows}
	for _, s := range columns {
		t.Columns = append(t.Columns, newColumnWriter(s, zstd))
	}
	t.write([]byte(magic))
	return t
}

// write writes, unless that failed before.
func (t *Writer) write(b []byte) {
	if t.err == nil {
		_, t.err = t.to.Write(b)
		t.offset += int64(len(b))
	}
}

// EndRow ends a row. An error stays, and Close returns it too.
func (t *Writer) EndRow() error {
	t.inPage++
	t.inGroup++
	if t.inPage == pageRows || t.inGroup == t.groupRows {
		t.endPage()
	}
	if t.inGroup == t.groupRows {
		t.endGroup()
	}
	return t.err
}

func (t *Writer) endPage() {
	if t.inPage > 0 {
		for _, c := range t.Columns {
			c.endPage(t.inPage)
		}
	}
	t.inPage = 0
}

// endGroup writes the row group, and describes it as a RowGroup.
func (t *Writer) endGroup() {
	f := &t.footer
	start, unpacked := t.offset, int64(0)
	f.structure(func() {
		f.list(1, thriftStruct, len(t.Columns))
		for _, c := range t.Columns {
			t.chunk = c.endGroup(t.chunk[:0], t.offset, f)
			t.write(t.chunk)
			unpacked += c.unpacked
			c.begin()
		}
		f.i64(2, unpacked)
		f.i64(3, int64(t.inGroup))
		f.i64(5, start)
		f.i64(6, t.offset-start)
	})
	t.groups++
	t.rows += int64(t.inGroup)
	t.inGroup = 0
}

// Close writes what is left and the footer, a FileMetaData, and returns the number of rows.
func (t *Writer) Close() (rows int64, err error) {
	if t.inGroup > 0 {
		t.endPage()
		t.endGroup()
	}
	var f thriftWriter
	f.structure(func() {
		f.i32(1, 2) // the version that has such pages
		f.list(2, thriftStruct, 1+len(t.Columns))
		f.structure(func() {
			f.binary(4, []byte(t.name))
			f.i32(5, int64(len(t.Columns)))
		})
		for _, c := range t.Columns {
			f.structure(func() { c.spec.describe(&f) })
		}
		f.i64(3, t.rows)
		f.list(4, thriftStruct, t.groups)
		f.out = append(f.out, t.footer.out...)
		f.binary(6, []byte("switchyard version 1.0.0 (build "+t.by+")"))
		f.list(7, thriftStruct, len(t.Columns)) // least and greatest are in the order of each type
		for range t.Columns {
			f.structure(func() { f.structField(1, func() {}) })
		}
	})
	f.out = binary.LittleEndian.AppendUint32(f.out, uint32(len(f.out)))
	t.write(append(f.out, magic...))
	return t.rows, t.err
}

// describe writes a column as a SchemaElement.
func (s *Column) describe(f *thriftWriter) {
	f.i32(1, int64(s.Physical))
	f.i32(3, optionality(s.Optional))
	f.binary(4, []byte(s.Name))
	if s.Text {
		f.i32(6, 0)                                               // UTF8, as older readers know it
		f.structField(10, func() { f.structField(1, func() {}) }) // STRING
	}
}
