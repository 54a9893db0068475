package parquet

import "encoding/binary"

// A thriftWriter encodes Thrift's compact protocol, as far as a Parquet file needs it to describe
// itself. Fields of a structure come in the order of their numbers. (github.com/apache/thrift,
// doc/specs/thrift-compact-protocol.md)
type thriftWriter struct {
	out  []byte
	last int64 // number of the last field of the structure that is being written
}

func (t *thriftWriter) zigzag(v int64) { t.out = binary.AppendVarint(t.out, v) }

// field begins a field.
func (t *thriftWriter) field(id int64, kind byte) {
	t.out = append(t.out, byte(id-t.last)<<4|kind)
	t.last = id
}

func (t *thriftWriter) i32(id, v int64) {
	t.field(id, thriftI32)
	t.zigzag(v)
}

func (t *thriftWriter) i64(id, v int64) {
	t.field(id, thriftI64)
	t.zigzag(v)
}

func (t *thriftWriter) binary(id int64, b []byte) {
	t.field(id, thriftBinary)
	t.element(b)
}

// list begins a list of so many elements, which follow.
func (t *thriftWriter) list(id int64, kind byte, n int) {
	t.field(id, thriftList)
	if n < 15 {
		t.out = append(t.out, byte(n)<<4|kind)
		return
	}
	t.out = binary.AppendUvarint(append(t.out, 15<<4|kind), uint64(n))
}

// element writes an element of a list of texts.
func (t *thriftWriter) element(b []byte) {
	t.out = append(binary.AppendUvarint(t.out, uint64(len(b))), b...)
}

// structure writes a structure, whose fields body writes: an element of a list, or the whole.
func (t *thriftWriter) structure(body func()) {
	outer := t.last
	t.last = 0
	body()
	t.out = append(t.out, 0)
	t.last = outer
}

// structField writes a field that is a structure.
func (t *thriftWriter) structField(id int64, body func()) {
	t.field(id, thriftStruct)
	t.structure(body)
}
