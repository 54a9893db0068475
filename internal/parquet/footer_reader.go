package parquet

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// A Table is an open Parquet file, of which the footer was read and believed.
type Table struct {
	file    io.ReaderAt
	columns []Column
	groups  []group
	rows    int64
}

// Rows returns the number of rows.
func (t *Table) Rows() int64 { return t.rows }

// Groups returns the number of row groups.
func (t *Table) Groups() int { return len(t.groups) }

// GroupRows returns the number of rows in a row group.
func (t *Table) GroupRows(i int) int { return t.groups[i].rows }

// ChunkBytes returns how many bytes of the file a column of a row group takes.
func (t *Table) ChunkBytes(group, column int) int64 { return t.groups[group].chunks[column].length }

// EachGroup decodes the row groups, one after the other, and stops at the first error.
func (t *Table) EachGroup(groups *Reader, each func(columns []Values, rows int) error) error {
	for i := range t.groups {
		columns, err := groups.Read(t, i)
		if err != nil {
			return err
		}
		if err := each(columns, t.groups[i].rows); err != nil {
			return err
		}
	}
	return nil
}

// A group is a row group: a run of rows that is read at once.
type group struct {
	rows   int
	chunks []chunk // by column of the table
}

// A chunk is where a column of a group lies.
type chunk struct{ offset, length int64 }

// MaxGroupRows is how many rows a row group can have: what a reader holds at once.
const MaxGroupRows = 1 << 18

// What a table of the Writer stays within by far, and no other is read.
const (
	maxFooter  = 64 << 20
	maxColumns = 256
	maxChunk   = 8 << 20
	maxPage    = 4 << 20
)

const magic = "PAR1"

// codecZstd is the only compression that tables have, as format.CompressionCodec numbers it.
const codecZstd = 6

// Open reads the footer of a Parquet file (github.com/apache/parquet-format, README.md, "File
// format"), which must have these columns. It passes over others, which a later version may have
// added. Errors are of one line.
func Open(file io.ReaderAt, size int64, columns []Column) (*Table, error) {
	var ends [len(magic) + 8]byte
	if size < int64(len(ends)) {
		return nil, fmt.Errorf("%d bytes are no table", size)
	}
	if _, err := file.ReadAt(ends[:4], 0); err != nil {
		return nil, err
	}
	if _, err := file.ReadAt(ends[4:], size-8); err != nil {
		return nil, err
	}
	if string(ends[:4]) != magic || string(ends[8:]) != magic {
		return nil, fmt.Errorf("it is no Parquet file, or its end is missing")
	}
	length := int64(binary.LittleEndian.Uint32(ends[4:]))
	if length > min(size-int64(len(ends)), maxFooter) {
		return nil, fmt.Errorf("its footer claims %d bytes", length)
	}
	footer := make([]byte, length)
	if _, err := file.ReadAt(footer, size-8-length); err != nil {
		return nil, err
	}
	t := &Table{file: file, columns: columns}
	f := footerReader{thrift: thrift{data: footer}, table: t, end: size - 8 - length}
	if err := f.read(); err != nil {
		return nil, err
	}
	return t, nil
}

// A footerReader decodes the footer: parquet.thrift, struct FileMetaData and what is in it.
type footerReader struct {
	thrift
	table *Table
	end   int64 // of the data
	leafs []int // by column of the file: which of the table's it is, or −1
	why   error // more than that it cannot be decoded
}

func (f *footerReader) read() error {
	var rows int64
	f.structure(0, func(id int64, kind byte) bool {
		switch {
		case id == 2 && kind == thriftList:
			f.schema()
		case id == 3 && kind == thriftI64:
			rows = f.int()
		case id == 4 && kind == thriftList:
			if f.leafs == nil {
				f.refuse("its columns are not described before its rows")
				return true
			}
			f.list(thriftStruct, f.group)
		default:
			return false
		}
		return true
	})
	switch {
	case f.why != nil:
		return f.why
	case f.err != nil:
		return f.err
	case f.leafs == nil:
		return fmt.Errorf("its columns are not described")
	case rows != f.table.rows:
		return fmt.Errorf("%d rows are announced and %d are there", rows, f.table.rows)
	}
	return nil
}

func (f *footerReader) refuse(format string, args ...any) {
	if f.why == nil {
		f.why = fmt.Errorf(format, args...)
	}
	f.fail()
}

// schema reads the columns: a root and its children, none of which has any.
func (f *footerReader) schema() {
	if f.leafs != nil {
		f.refuse("its columns are described twice")
		return
	}
	f.leafs = []int{}
	root, found := true, 0
	f.list(thriftStruct, func() {
		typ, repetition, children := int64(-1), int64(-1), int64(0)
		var name []byte
		f.structure(2, func(id int64, kind byte) bool {
			switch {
			case id == 1 && kind == thriftI32:
				typ = f.int()
			case id == 3 && kind == thriftI32:
				repetition = f.int()
			case id == 4 && kind == thriftBinary:
				name = f.binary()
			case id == 5 && kind == thriftI32:
				children = f.int()
			default:
				return false
			}
			return true
		})
		switch {
		case f.err != nil:
		case root:
			root = false
		case children != 0:
			f.refuse("column %.40q has columns of its own", name)
		case len(f.leafs) == maxColumns:
			f.refuse("it has more than %d columns", maxColumns)
		default:
			i := f.table.column(string(name))
			f.leafs = append(f.leafs, i)
			if i < 0 {
				return // of a later version
			}
			found++
			want := f.table.columns[i]
			if typ != int64(want.Physical) || repetition != optionality(want.Optional) {
				f.refuse("column %s is of another type", want.Name)
			}
		}
	})
	if f.err != nil {
		return
	}
	seen := make([]bool, len(f.table.columns))
	for _, i := range f.leafs {
		if i >= 0 {
			seen[i] = true
		}
	}
	for i, c := range f.table.columns {
		if !seen[i] {
			f.refuse("it has no column %s", c.Name)
		}
	}
	if found != len(f.table.columns) {
		f.refuse("it has a column twice")
	}
}

// optionality is format.FieldRepetitionType.
func optionality(optional bool) int64 {
	if optional {
		return 1
	}
	return 0
}

func (t *Table) column(name string) int {
	for i, c := range t.columns {
		if c.Name == name {
			return i
		}
	}
	return -1
}

// group reads a RowGroup.
func (f *footerReader) group() {
	g := group{chunks: make([]chunk, len(f.table.columns))}
	rows, n := int64(-1), 0
	f.structure(2, func(id int64, kind byte) bool {
		switch {
		case id == 1 && kind == thriftList:
			f.list(thriftStruct, func() {
				if n == len(f.leafs) {
					f.refuse("row group %d has too many columns", len(f.table.groups))
					return
				}
				f.chunk(&g, f.leafs[n])
				n++
			})
		case id == 3 && kind == thriftI64:
			rows = f.int()
		default:
			return false
		}
		return true
	})
	switch {
	case f.err != nil:
		return
	case n != len(f.leafs):
		f.refuse("row group %d lacks columns", len(f.table.groups))
		return
	case rows <= 0 || rows > MaxGroupRows || f.table.rows > math.MaxInt64-rows:
		f.refuse("row group %d claims %d rows", len(f.table.groups), rows)
		return
	}
	g.rows = int(rows)
	f.table.rows += rows
	f.table.groups = append(f.table.groups, g)
}

// chunk reads a ColumnChunk and the ColumnMetaData in it, of a column of the table or, with a
// negative one, of another.
func (f *footerReader) chunk(g *group, column int) {
	typ, codec, length, data, dictionary := int64(-1), int64(-1), int64(-1), int64(-1), int64(0)
	f.structure(4, func(id int64, kind byte) bool {
		if id != 3 || kind != thriftStruct {
			return false
		}
		f.structure(5, func(id int64, kind byte) bool {
			switch {
			case id == 1 && kind == thriftI32:
				typ = f.int()
			case id == 4 && kind == thriftI32:
				codec = f.int()
			case id == 7 && kind == thriftI64:
				length = f.int()
			case id == 9 && kind == thriftI64:
				data = f.int()
			case id == 11 && kind == thriftI64:
				dictionary = f.int()
			default:
				return false
			}
			return true
		})
		return true
	})
	if f.err != nil || column < 0 {
		return
	}
	want := f.table.columns[column]
	if dictionary > 0 && dictionary < data {
		data = dictionary
	}
	switch {
	case typ != int64(want.Physical):
		f.refuse("row group %d: column %s is of another type", len(f.table.groups), want.Name)
	case codec != codecZstd:
		f.refuse("row group %d: column %s is not compressed with zstd", len(f.table.groups),
			want.Name)
	case data < int64(len(magic)) || length <= 0 || length > maxChunk || length > f.end-data:
		f.refuse("row group %d: column %s claims %d bytes at %d", len(f.table.groups), want.Name,
			length, data)
	}
	g.chunks[column] = chunk{data, length}
}
