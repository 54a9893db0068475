package parquet

import (
	"errors"
	"fmt"
	"hash/crc32"
)

// Values is what one column of a row group holds.
type Values struct {
	// ints has a value for each row, 0 where it is NULL. Of text it is an index into texts.
	Ints  []int64
	Null  []bool // nil in a column that has none
	Texts []string
}

// Text returns the text in a row, "" where it is NULL.
func (c *Values) Text(row int) string {
	if c.Null != nil && c.Null[row] {
		return ""
	}
	return c.Texts[c.Ints[row]]
}

// Types of pages, as Parquet's format.PageType numbers them.
const (
	pageDictionary = 2
	pageDataV2     = 3
)

// A pageHeader is what parquet.thrift calls so, of a data page of the second version or of a
// dictionary.
type pageHeader struct {
	kind, unpacked, packed   int64
	crc                      int64
	hasCRC                   bool
	values, encoding         int64
	definitions, repetitions int64
	plain                    bool // the values are not compressed
}

func (t *thrift) pageHeader() (h pageHeader) {
	h = pageHeader{kind: -1, unpacked: -1, packed: -1, values: -1, encoding: -1}
	t.structure(0, func(id int64, kind byte) bool {
		switch {
		case id == 1 && kind == thriftI32:
			h.kind = t.int()
		case id == 2 && kind == thriftI32:
			h.unpacked = t.int()
		case id == 3 && kind == thriftI32:
			h.packed = t.int()
		case id == 4 && kind == thriftI32:
			h.crc, h.hasCRC = t.int(), true
		case (id == 7 || id == 8) && kind == thriftStruct:
			t.structure(1, func(field int64, kind byte) bool {
				switch {
				case field == 1 && kind == thriftI32:
					h.values = t.int()
				case field == 2 && kind == thriftI32 && id == 7:
					h.encoding = t.int()
				case field == 4 && kind == thriftI32 && id == 8:
					h.encoding = t.int()
				case field == 5 && kind == thriftI32 && id == 8:
					h.definitions = t.int()
				case field == 6 && kind == thriftI32 && id == 8:
					h.repetitions = t.int()
				case field == 7 && kind == thriftFalse && id == 8:
					h.plain = true
				default:
					return false
				}
				return true
			})
		default:
			return false
		}
		return true
	})
	return h
}

// A Reader reads row groups, and uses its memory again for each.
type Reader struct {
	zstd    decompressor
	packed  []byte
	page    []byte
	present []bool
	columns []Values

	dictionary []int64
}

// Read decodes a row group. What it returns holds until the next one is read.
//
// A panic of the decompressor, which is the one part here that is not ours, becomes an error: last
// resort.
func (r *Reader) Read(t *Table, i int) (columns []Values, err error) {
	g := &t.groups[i]
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("row group %d: %w: %.200v", i, ErrPanic, p)
		}
	}()
	if r.columns == nil {
		r.columns = make([]Values, len(t.columns))
	}
	for k, spec := range t.columns {
		if err := r.chunk(t, g, k); err != nil {
			return nil, fmt.Errorf("row group %d, column %s: %w", i, spec.Name, err)
		}
	}
	return r.columns, nil
}

var (
	errPage   = errors.New("a page's header does not fit")
	errValues = errors.New("values cannot be decoded")
)

// ErrPanic is a bug: the decompressor panicked, and the rest was saved from it.
var ErrPanic = errors.New("the decoder gave up")

// chunk decodes the pages of one column of a group: at most one dictionary, and data until there is
// a value for each row.
func (r *Reader) chunk(t *Table, g *group, i int) error {
	spec, col, at := t.columns[i], &r.columns[i], g.chunks[i]
	r.packed = grow(r.packed, int(at.length))
	if _, err := t.file.ReadAt(r.packed, at.offset); err != nil {
		return err
	}
	col.Ints = grow(col.Ints, g.rows)
	if spec.Optional {
		col.Null = grow(col.Null, g.rows)
	}
	col.Texts = col.Texts[:0]
	r.dictionary = r.dictionary[:0]
	hasDictionary := false
	row := 0
	for rest := r.packed; row < g.rows; {
		head := thrift{data: rest}
		h := head.pageHeader()
		if head.err != nil {
			return errPage
		}
		left := g.rows - row
		// A page of data holds a value at least, or a file of nothing but headers could keep a
		// reader busy; and its bytes stand in proportion to its values, or a few could stand for
		// gigabytes.
		switch {
		case h.packed < 0 || h.packed > int64(len(head.data)) || h.unpacked < 0 ||
			h.unpacked > maxPage || h.values < 0 ||
			h.definitions < 0 || h.definitions > min(h.packed, h.unpacked) || h.definitions > 0 &&
			!spec.Optional:
			return errPage
		case h.kind == pageDictionary:
			if hasDictionary || h.encoding != Plain || row > 0 || h.values > int64(g.rows) ||
				h.definitions > 0 {
				return errPage
			}
		case h.kind != pageDataV2 || h.values == 0 || h.values > int64(left) ||
			h.repetitions != 0 ||
			h.unpacked > 4096+16*h.values:
			return errPage
		}
		body := head.data[:h.packed]
		rest = head.data[h.packed:]
		if h.hasCRC && crc32.ChecksumIEEE(body) != uint32(h.crc) {
			return errors.New("a page's checksum is wrong")
		}
		levels, body := body[:h.definitions], body[h.definitions:]
		if !h.plain {
			size := int(h.unpacked - h.definitions)
			page, err := r.zstd.append(grow(r.page, size)[:0], body, size)
			if err != nil {
				return err
			}
			r.page, body = page, page
		}
		if int64(len(body)) != h.unpacked-h.definitions {
			return errPage
		}
		if h.kind == pageDictionary {
			hasDictionary = true
			if err := r.readDictionary(spec, col, body, int(h.values)); err != nil {
				return err
			}
			continue
		}
		n := int(h.values)
		var null []bool
		if spec.Optional {
			null = col.Null[row : row+n]
		}
		if err := r.values(spec, col.Ints[row:row+n], null, levels, body, h.encoding); err != nil {
			return err
		}
		if spec.Physical == Blobs {
			for k, v := range col.Ints[row : row+n] {
				if v >= int64(len(col.Texts)) && (null == nil || !null[k]) {
					return errValues
				}
			}
		}
		row += n
	}
	return nil
}

// readDictionary reads the different values of a column.
func (r *Reader) readDictionary(spec Column, col *Values, body []byte, n int) error {
	if spec.Physical != Blobs {
		r.dictionary = grow(r.dictionary, n)
		return plain(r.dictionary, body, spec.Physical)
	}
	for range n {
		if len(body) < 4 {
			return errValues
		}
		length := int64(body[0]) | int64(body[1])<<8 | int64(body[2])<<16 | int64(body[3])<<24
		if length > int64(len(body)-4) {
			return errValues
		}
		col.Texts = append(col.Texts, string(body[4:4+length]))
		body = body[4+length:]
	}
	return nil
}

// values decodes a page into ints, and which of them are NULL.
func (r *Reader) values(spec Column, ints []int64, null []bool, levels, body []byte,
	encoding int64) error {
	values := ints
	if null != nil {
		level := grow(r.present, len(null))
		r.present = level
		if err := hybrid(level, levels, 1, func(v uint64) bool { return v != 0 }); err != nil {
			return err
		}
		n := 0
		for i, present := range level {
			null[i] = !present
			if present {
				n++
			}
		}
		values = ints[:n]
	}
	if err := r.decode(values, body, spec.Physical, encoding); err != nil {
		return err
	}
	// What is there moves to its row, from the last to the first.
	if n := len(values); n < len(ints) {
		for i := len(ints) - 1; i >= 0; i-- {
			if null[i] {
				ints[i] = 0
				continue
			}
			n--
			ints[i] = ints[n]
		}
	}
	return nil
}

// decode fills ints with the values of a page.
func (r *Reader) decode(ints []int64, body []byte, kind Physical, encoding int64) error {
	switch {
	case encoding == Dictionary:
		if len(ints) == 0 {
			return nil
		}
		if len(body) == 0 || body[0] > 32 {
			return errValues
		}
		if err := hybrid(ints, body[1:], uint(body[0]), func(v uint64) int64 {
			return int64(v)
		}); err != nil {
			return err
		}
		if kind == Blobs {
			return nil
		}
		for i, v := range ints {
			if v >= int64(len(r.dictionary)) {
				return errValues
			}
			ints[i] = r.dictionary[v]
		}
		return nil
	case encoding == Delta && (kind == Int32s || kind == Int64s):
		return delta(ints, body, kind)
	case encoding == Plain && kind != Blobs:
		return plain(ints, body, kind)
	}
	return fmt.Errorf("encoding %d is not one of its column's", encoding)
}

// grow returns a slice of n elements, in the same memory where that is enough.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
