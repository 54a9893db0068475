package parquet

import (
	"encoding/binary"
	"errors"
)

// A thrift decodes Thrift's compact protocol, in which a Parquet file describes itself: only what
// its footer and page headers are made of, with no memory of its own. The first error stays and
// ends everything. (github.com/apache/thrift, doc/specs/thrift-compact-protocol.md)
type thrift struct {
	data []byte
	err  error
}

// Types of the compact protocol.
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftI16    = 4
	thriftI32    = 5
	thriftI64    = 6
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftSet    = 10
	thriftMap    = 11
	thriftStruct = 12
)

// thriftDepth bounds structures within structures. Parquet's own are seven deep.
const thriftDepth = 16

var errThrift = errors.New("its description cannot be decoded")

func (t *thrift) fail() {
	t.err = errThrift
	t.data = nil
}

func (t *thrift) byte() byte {
	if len(t.data) == 0 {
		t.fail()
		return 0
	}
	b := t.data[0]
	t.data = t.data[1:]
	return b
}

func (t *thrift) bytes(n uint64) []byte {
	if n > uint64(len(t.data)) {
		t.fail()
		return nil
	}
	b := t.data[:n]
	t.data = t.data[n:]
	return b
}

func (t *thrift) uvarint() uint64 {
	v, n := binary.Uvarint(t.data)
	if n <= 0 {
		t.fail()
		return 0
	}
	t.data = t.data[n:]
	return v
}

// int decodes a signed number of any width.
func (t *thrift) int() int64 {
	u := t.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

func (t *thrift) binary() []byte { return t.bytes(t.uvarint()) }

// structure calls visit with each field of a structure. visit decodes the field and returns true,
// or leaves it alone.
func (t *thrift) structure(depth int, visit func(id int64, kind byte) bool) {
	if depth > thriftDepth {
		t.fail()
	}
	var id int64
	for t.err == nil {
		head := t.byte()
		if t.err != nil || head == 0 {
			return
		}
		if delta := head >> 4; delta != 0 {
			id += int64(delta)
		} else {
			id = t.int()
		}
		if kind := head & 15; !visit(id, kind) {
			t.skip(depth+1, kind)
		}
	}
}

// list calls each for every element of a list, which decodes it.
func (t *thrift) list(kind byte, each func()) {
	k, n := t.listHead()
	if t.err == nil && k != kind && n > 0 {
		t.fail()
	}
	for ; n > 0 && t.err == nil; n-- {
		each()
	}
}

func (t *thrift) listHead() (kind byte, n uint64) {
	head := t.byte()
	if n = uint64(head >> 4); n == 15 {
		n = t.uvarint()
	}
	return head & 15, n
}

func (t *thrift) skip(depth int, kind byte) {
	if depth > thriftDepth {
		t.fail()
	}
	if t.err != nil {
		return
	}
	switch kind {
	case thriftTrue, thriftFalse:
	case thriftByte:
		t.byte()
	case thriftI16, thriftI32, thriftI64:
		t.uvarint()
	case thriftDouble:
		t.bytes(8)
	case thriftBinary:
		t.binary()
	case thriftList, thriftSet:
		k, n := t.listHead()
		for ; n > 0 && t.err == nil; n-- {
			t.skipElement(depth+1, k)
		}
	case thriftMap:
		n := t.uvarint()
		if n == 0 {
			return
		}
		kinds := t.byte()
		for ; n > 0 && t.err == nil; n-- {
			t.skipElement(depth+1, kinds>>4)
			t.skipElement(depth+1, kinds&15)
		}
	case thriftStruct:
		t.structure(depth+1, func(int64, byte) bool { return false })
	default:
		t.fail()
	}
}

// skipElement skips an element of a list, where a truth value takes a byte.
func (t *thrift) skipElement(depth int, kind byte) {
	if kind == thriftTrue || kind == thriftFalse {
		t.byte()
		return
	}
	t.skip(depth, kind)
}
