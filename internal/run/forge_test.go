package run

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
)

// A forger writes the compact protocol, true or not.
type forger struct{ out []byte }

func (f *forger) uvarint(v uint64) { f.out = binary.AppendUvarint(f.out, v) }
func (f *forger) zigzag(v int64)   { f.uvarint(uint64(v<<1) ^ uint64(v>>63)) }

// field begins a field, with its number in full.
func (f *forger) field(id int64, kind byte) {
	f.out = append(f.out, kind)
	f.zigzag(id)
}

func (f *forger) i32(id, v int64) { f.field(id, thriftI32); f.zigzag(v) }
func (f *forger) i64(id, v int64) { f.field(id, thriftI64); f.zigzag(v) }
func (f *forger) stop()           { f.out = append(f.out, 0) }

func (f *forger) text(id int64, s string) {
	f.field(id, thriftBinary)
	f.uvarint(uint64(len(s)))
	f.out = append(f.out, s...)
}

func (f *forger) list(id int64, kind byte, n uint64) {
	f.field(id, thriftList)
	f.out = append(f.out, 15<<4|kind)
	f.uvarint(n)
}

// A forgedPage is a page whose header says what it is told to.
type forgedPage struct {
	pageHeader
	body []byte
}

func (p forgedPage) bytes() []byte {
	var f forger
	f.i32(1, p.kind)
	f.i32(2, p.unpacked)
	f.i32(3, p.packed)
	if p.hasCRC {
		f.i32(4, p.crc)
	}
	if p.kind == pageDictionary {
		f.field(7, thriftStruct)
		f.i32(1, p.values)
		f.i32(2, p.encoding)
		if p.definitions != 0 { // as if it were both
			f.stop()
			f.field(8, thriftStruct)
			f.i32(5, p.definitions)
		}
	} else {
		f.field(8, thriftStruct)
		f.i32(1, p.values)
		f.i32(4, p.encoding)
		f.i32(5, p.definitions)
		f.i32(6, p.repetitions)
		if p.plain {
			f.field(7, thriftFalse)
		}
	}
	f.stop()
	f.stop()
	return append(f.out, p.body...)
}

// A forgedTable is a table that says of itself what it is told to.
type forgedTable struct {
	columns []columnSpec
	rows    int64 // announced
	groups  []forgedGroup
	lists   uint64 // added to the announced number of row groups
	tail    []byte // between the data and the footer
}

type forgedGroup struct {
	rows  int64
	pages [][]forgedPage // by column
	moved int64          // added to where the first column is said to lie
	spare int64          // added to its length
	codec int64
}

func (t forgedTable) bytes() []byte {
	out := []byte(magic)
	var f forger
	f.i32(1, 2)
	f.list(2, thriftStruct, uint64(len(t.columns)+1))
	f.text(4, "root")
	f.i32(5, int64(len(t.columns)))
	f.stop()
	for _, c := range t.columns {
		f.i32(1, int64(c.physical))
		f.i32(3, optionality(c.optional))
		f.text(4, c.name)
		f.stop()
	}
	f.i64(3, t.rows)
	f.list(4, thriftStruct, uint64(len(t.groups))+t.lists)
	for _, g := range t.groups {
		f.list(1, thriftStruct, uint64(len(g.pages)))
		for i, pages := range g.pages {
			start := int64(len(out))
			for _, p := range pages {
				out = append(out, p.bytes()...)
			}
			length := int64(len(out)) - start
			if i == 0 {
				start += g.moved
				length += g.spare
			}
			f.field(3, thriftStruct)
			if i < len(t.columns) {
				f.i32(1, int64(t.columns[i].physical))
			}
			f.i32(4, g.codec)
			f.i64(7, length)
			f.i64(9, start)
			f.stop()
			f.stop()
		}
		f.i64(3, g.rows)
		f.stop()
	}
	f.stop()
	out = append(out, t.tail...)
	out = append(out, f.out...)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(f.out)))
	return append(out, magic...)
}

// plainPage is an honest page of values that are not compressed.
func plainPage(encoding int64, n int, body []byte) forgedPage {
	return forgedPage{pageHeader{kind: pageDataV2, unpacked: int64(len(body)), packed: int64(len(body)), values: int64(n),
		encoding: encoding, plain: true, crc: int64(int32(crc32.ChecksumIEEE(body))), hasCRC: true}, body}
}

// int32Page and int64Page are honest pages of plain numbers.
func int32Page(values ...int32) forgedPage {
	var body []byte
	for _, v := range values {
		body = binary.LittleEndian.AppendUint32(body, uint32(v))
	}
	return plainPage(encodingPlain, len(values), body)
}

func int64Page(values ...int64) forgedPage {
	var body []byte
	for _, v := range values {
		body = binary.LittleEndian.AppendUint64(body, uint64(v))
	}
	return plainPage(encodingPlain, len(values), body)
}

// optional makes a page of one value that is there.
func optional(p forgedPage) forgedPage {
	p.body = append([]byte{2, 1}, p.body...)
	p.definitions, p.hasCRC = 2, false
	p.packed += 2
	p.unpacked += 2
	return p
}

// forgedLost is an honest table of two lost intervals, to be spoiled.
func forgedLost() forgedTable {
	return forgedTable{columns: slices.Clone(lostColumns[:]), rows: 2, groups: []forgedGroup{{rows: 2, codec: codecZstd, pages: [][]forgedPage{
		{int32Page(0, 1)}, {int64Page(10, 20)}, {int64Page(11, 22)}, {int64Page(3, 4)},
	}}}}
}

// forgedEvents is an honest table of one switch, whose pages are not compressed: what a fuzzer makes of it reaches the
// decoders. Zstd dictionary pages hold what is not plain.
func forgedEvents() forgedTable {
	t := forgedTable{columns: slices.Clone(eventColumns[:]), rows: 1}
	g := forgedGroup{rows: 1, codec: codecZstd}
	for _, c := range t.columns {
		var p forgedPage
		switch c.physical {
		case int32s:
			p = int32Page(0)
		case int64s:
			p = int64Page(0)
		case blobs:
			text := []byte("\x06\x00\x00\x00switch")
			packed := newCompressor().append(nil, text)
			d := forgedPage{pageHeader{kind: pageDictionary, unpacked: int64(len(text)), packed: int64(len(packed)), values: 1,
				encoding: encodingPlain}, packed}
			g.pages = append(g.pages, []forgedPage{d, plainPage(encodingDictionary, 1, []byte{1, 2, 0})})
			continue
		}
		if c.optional {
			p = optional(p)
		}
		g.pages = append(g.pages, []forgedPage{p})
	}
	t.groups = []forgedGroup{g}
	return t
}
