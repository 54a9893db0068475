// Package forge makes Parquet files that say of themselves what they are told to, true or not: what
// tests of package parquet, and of who reads tables with it, give to a reader that must not believe
// them.
package forge

import (
	"encoding/binary"
	"hash/crc32"

	"switchyard/internal/parquet"
)

// Types of Thrift's compact protocol, in which a file describes itself.
const (
	False  = 2
	I32    = 5
	I64    = 6
	Binary = 8
	List   = 9
	Map    = 11
	Struct = 12
)

// Magic is at both ends of a file.
const Magic = "PAR1"

// Zstd is the compression that tables have, as format.CompressionCodec numbers it.
const Zstd = 6

// Types of pages, as Parquet's format.PageType numbers them.
const (
	DictionaryPage = 2
	DataPage       = 3
)

// A thrift writes the compact protocol, true or not.
type thrift struct{ out []byte }

func (f *thrift) uvarint(v uint64) { f.out = binary.AppendUvarint(f.out, v) }
func (f *thrift) zigzag(v int64)   { f.uvarint(uint64(v<<1) ^ uint64(v>>63)) }

// field begins a field, with its number in full.
func (f *thrift) field(id int64, kind byte) {
	f.out = append(f.out, kind)
	f.zigzag(id)
}

func (f *thrift) i32(id, v int64) { f.field(id, I32); f.zigzag(v) }
func (f *thrift) i64(id, v int64) { f.field(id, I64); f.zigzag(v) }
func (f *thrift) stop()           { f.out = append(f.out, 0) }

func (f *thrift) text(id int64, s string) {
	f.field(id, Binary)
	f.uvarint(uint64(len(s)))
	f.out = append(f.out, s...)
}

func (f *thrift) list(id int64, kind byte, n uint64) {
	f.field(id, List)
	f.out = append(f.out, 15<<4|kind)
	f.uvarint(n)
}

// Page is a page whose header says what it is told to: the fields are those of parquet.thrift.
type Page struct {
	Kind, Unpacked, Packed   int64
	CRC                      int64
	HasCRC                   bool
	Values, Encoding         int64
	Definitions, Repetitions int64
	Uncompressed             bool
	Body                     []byte
}

func (p Page) bytes() []byte {
	var f thrift
	f.i32(1, p.Kind)
	f.i32(2, p.Unpacked)
	f.i32(3, p.Packed)
	if p.HasCRC {
		f.i32(4, p.CRC)
	}
	if p.Kind == DictionaryPage {
		f.field(7, Struct)
		f.i32(1, p.Values)
		f.i32(2, p.Encoding)
		if p.Definitions != 0 { // as if it were both
			f.stop()
			f.field(8, Struct)
			f.i32(5, p.Definitions)
		}
	} else {
		f.field(8, Struct)
		f.i32(1, p.Values)
		f.i32(4, p.Encoding)
		f.i32(5, p.Definitions)
		f.i32(6, p.Repetitions)
		if p.Uncompressed {
			f.field(7, False)
		}
	}
	f.stop()
	f.stop()
	return append(f.out, p.Body...)
}

// Table is a table that says of itself what it is told to.
type Table struct {
	Columns []parquet.Column
	Rows    int64 // announced
	Groups  []Group
	Lists   uint64 // added to the announced number of row groups
	Tail    []byte // between the data and the footer
}

// Group is a row group of a Table.
type Group struct {
	Rows  int64
	Pages [][]Page // by column
	Moved int64    // added to where the first column is said to lie
	Spare int64    // added to its length
	Codec int64
}

// Bytes returns the file.
func (t Table) Bytes() []byte {
	out := []byte(Magic)
	var f thrift
	f.i32(1, 2)
	f.list(2, Struct, uint64(len(t.Columns)+1))
	f.text(4, "root")
	f.i32(5, int64(len(t.Columns)))
	f.stop()
	for _, c := range t.Columns {
		f.i32(1, int64(c.Physical))
		optional := int64(0)
		if c.Optional {
			optional = 1
		}
		f.i32(3, optional)
		f.text(4, c.Name)
		f.stop()
	}
	f.i64(3, t.Rows)
	f.list(4, Struct, uint64(len(t.Groups))+t.Lists)
	for _, g := range t.Groups {
		f.list(1, Struct, uint64(len(g.Pages)))
		for i, pages := range g.Pages {
			start := int64(len(out))
			for _, p := range pages {
				out = append(out, p.bytes()...)
			}
			length := int64(len(out)) - start
			if i == 0 {
				start += g.Moved
				length += g.Spare
			}
			f.field(3, Struct)
			if i < len(t.Columns) {
				f.i32(1, int64(t.Columns[i].Physical))
			}
			f.i32(4, g.Codec)
			f.i64(7, length)
			f.i64(9, start)
			f.stop()
			f.stop()
		}
		f.i64(3, g.Rows)
		f.stop()
	}
	f.stop()
	out = append(out, t.Tail...)
	return append(out, Footer(f.out)...)
}

// Footer returns the end of a file, with this as what the file says of itself.
func Footer(body []byte) []byte {
	out := binary.LittleEndian.AppendUint32(body, uint32(len(body)))
	return append(out, Magic...)
}

// Plain returns an honest page of n values that are not compressed.
func Plain(encoding int64, n int, body []byte) Page {
	return Page{Kind: DataPage, Unpacked: int64(len(body)), Packed: int64(len(body)),
		Values: int64(n), Encoding: encoding,
		Uncompressed: true, CRC: int64(int32(crc32.ChecksumIEEE(body))), HasCRC: true, Body: body}
}

// Int32s returns an honest page of plain numbers.
func Int32s(values ...int32) Page {
	var body []byte
	for _, v := range values {
		body = binary.LittleEndian.AppendUint32(body, uint32(v))
	}
	return Plain(parquet.Plain, len(values), body)
}

// Int64s returns an honest page of plain numbers.
func Int64s(values ...int64) Page {
	var body []byte
	for _, v := range values {
		body = binary.LittleEndian.AppendUint64(body, uint64(v))
	}
	return Plain(parquet.Plain, len(values), body)
}

// Texts returns an honest dictionary of texts, in a frame of Zstandard that compresses nothing.
func Texts(texts ...string) Page {
	var body []byte
	for _, t := range texts {
		body = append(binary.LittleEndian.AppendUint32(body, uint32(len(t))), t...)
	}
	frame := append([]byte{0x28, 0xb5, 0x2f, 0xfd, 0xa0}, binary.LittleEndian.AppendUint32(nil,
		uint32(len(body)))...)
	block := len(body)<<3 | 1 // the last, as it is
	frame = append(append(frame, byte(block), byte(block>>8), byte(block>>16)), body...)
	return Page{Kind: DictionaryPage, Unpacked: int64(len(body)), Packed: int64(len(frame)),
		Values:   int64(len(texts)),
		Encoding: parquet.Plain, Body: frame}
}

// Optional makes an honest page of one value one of a value that is there.
func Optional(p Page) Page {
	p.Body = append([]byte{2, 1}, p.Body...)
	p.Definitions, p.HasCRC = 2, false
	p.Packed += 2
	p.Unpacked += 2
	return p
}
