package run

import (
	"errors"
	"fmt"
	"hash/crc32"
)

// A column is what one column of a row group holds.
type column struct {
	// ints has a value for each row, 0 where it is NULL. Of text it is an index into texts.
	ints  []int64
	null  []bool // nil in a column that has none
	texts []string
}

// Types of pages, as Parquet's format.PageType numbers them.
const (
	pageDictionary = 2
	pageDataV2     = 3
)

// A pageHeader is what parquet.thrift calls so, of a data page of the second version or of a dictionary.
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

// A groupReader reads row groups, and uses its memory again for each.
type groupReader struct {
	zstd    decompressor
	packed  []byte
	page    []byte
	present []bool
	columns []column

	dictionary []int64
}

// read decodes a row group. What it returns holds until the next one is read.
//
// A panic of the decompressor, which is the one part here that is not ours, becomes an error: last resort.
func (r *groupReader) read(t *table, i int) (columns []column, err error) {
	g := &t.groups[i]
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("row group %d: %w: %.200v", i, errPanic, p)
		}
	}()
	if r.columns == nil {
		r.columns = make([]column, len(t.columns))
	}
	for k, spec := range t.columns {
		if err := r.chunk(t, g, k); err != nil {
			return nil, fmt.Errorf("row group %d, column %s: %w", i, spec.name, err)
		}
	}
	return r.columns, nil
}

var (
	errPage   = errors.New("a page's header does not fit")
	errValues = errors.New("values cannot be decoded")
	errPanic  = errors.New("the decoder gave up")
)

// chunk decodes the pages of one column of a group: at most one dictionary, and data until there is a value for each row.
func (r *groupReader) chunk(t *table, g *group, i int) error {
	spec, col, at := t.columns[i], &r.columns[i], g.chunks[i]
	r.packed = grow(r.packed, int(at.length))
	if _, err := t.file.ReadAt(r.packed, at.offset); err != nil {
		return err
	}
	col.ints = grow(col.ints, g.rows)
	if spec.optional {
		col.null = grow(col.null, g.rows)
	}
	col.texts = col.texts[:0]
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
		// A page of data holds a value at least, or a file of nothing but headers could keep a reader busy; and its bytes stand in
		// proportion to its values, or a few could stand for gigabytes.
		switch {
		case h.packed < 0 || h.packed > int64(len(head.data)) || h.unpacked < 0 || h.unpacked > maxPage || h.values < 0 ||
			h.definitions < 0 || h.definitions > min(h.packed, h.unpacked) || h.definitions > 0 && !spec.optional:
			return errPage
		case h.kind == pageDictionary:
			if hasDictionary || h.encoding != encodingPlain || row > 0 || h.values > int64(g.rows) || h.definitions > 0 {
				return errPage
			}
		case h.kind != pageDataV2 || h.values == 0 || h.values > int64(left) || h.repetitions != 0 ||
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
		if spec.optional {
			null = col.null[row : row+n]
		}
		if err := r.values(spec, col.ints[row:row+n], null, levels, body, h.encoding); err != nil {
			return err
		}
		if spec.physical == blobs {
			for k, v := range col.ints[row : row+n] {
				if v >= int64(len(col.texts)) && (null == nil || !null[k]) {
					return errValues
				}
			}
		}
		row += n
	}
	return nil
}

// readDictionary reads the different values of a column.
func (r *groupReader) readDictionary(spec columnSpec, col *column, body []byte, n int) error {
	if spec.physical != blobs {
		r.dictionary = grow(r.dictionary, n)
		return plain(r.dictionary, body, spec.physical)
	}
	for range n {
		if len(body) < 4 {
			return errValues
		}
		length := int64(body[0]) | int64(body[1])<<8 | int64(body[2])<<16 | int64(body[3])<<24
		if length > int64(len(body)-4) {
			return errValues
		}
		col.texts = append(col.texts, string(body[4:4+length]))
		body = body[4+length:]
	}
	return nil
}

// values decodes a page into ints, and which of them are NULL.
func (r *groupReader) values(spec columnSpec, ints []int64, null []bool, levels, body []byte, encoding int64) error {
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
	if err := r.decode(values, body, spec.physical, encoding); err != nil {
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
func (r *groupReader) decode(ints []int64, body []byte, kind physical, encoding int64) error {
	switch {
	case encoding == encodingDictionary:
		if len(ints) == 0 {
			return nil
		}
		if len(body) == 0 || body[0] > 32 {
			return errValues
		}
		if err := hybrid(ints, body[1:], uint(body[0]), func(v uint64) int64 { return int64(v) }); err != nil {
			return err
		}
		if kind == blobs {
			return nil
		}
		for i, v := range ints {
			if v >= int64(len(r.dictionary)) {
				return errValues
			}
			ints[i] = r.dictionary[v]
		}
		return nil
	case encoding == encodingDelta && (kind == int32s || kind == int64s):
		return delta(ints, body, kind)
	case encoding == encodingPlain && kind != blobs:
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
