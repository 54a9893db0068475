package parquet

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math"
	"math/bits"
	"slices"
)

// A ColumnWriter encodes one column of a table, a page at a time, and keeps the pages of the row
// group. Every row puts one value, or NULL.
type ColumnWriter struct {
	spec Column
	zstd *compressor

	// Of the page: the values that are there, and of each row whether it has one.
	values  []int64
	present []uint8

	// Of the row group:
	rows, nulls int64
	dictionary  dictionary
	words       []string         // by value
	numbers     map[string]int64 // of words, nil when they are known beforehand
	least, most int64            // of the values of a column without a dictionary
	pages       []byte           // of data, with their headers
	count       int64            // of them
	unpacked    int64            // what they are before compression, with their headers

	numbered []uint32 // memory that is used again
	body     []byte
	packed   []byte
	header   thriftWriter
}

func newColumnWriter(spec Column, zstd *compressor) *ColumnWriter {
	c := &ColumnWriter{spec: spec, zstd: zstd, words: spec.Words, dictionary: newDictionary()}
	if spec.Physical == Blobs && spec.Words == nil {
		c.numbers = map[string]int64{}
	}
	c.begin()
	return c
}

// begin begins a row group.
func (c *ColumnWriter) begin() {
	c.rows, c.nulls, c.count, c.unpacked, c.pages = 0, 0, 0, 0, c.pages[:0]
	c.least, c.most = math.MaxInt64, math.MinInt64
	c.dictionary.forget()
	if c.numbers != nil {
		c.words = c.words[:0]
		clear(c.numbers)
	}
}

// Put adds the value of a row.
func (c *ColumnWriter) Put(v int64) {
	c.values = append(c.values, v)
	if c.spec.Optional {
		c.present = append(c.present, 1)
	}
}

// Null adds a row without a value.
func (c *ColumnWriter) Null() { c.present = append(c.present, 0) }

// PutUnless adds the value of a row, or NULL for the value that stands for none.
func (c *ColumnWriter) PutUnless(none, v int64) {
	if v == none {
		c.Null()
		return
	}
	c.Put(v)
}

// PutText adds the text of a row, of a column without Words.
func (c *ColumnWriter) PutText(s string) {
	n, ok := c.numbers[s]
	if !ok {
		n = int64(len(c.words))
		c.words = append(c.words, s)
		c.numbers[s] = n
	}
	c.Put(n)
}

// endPage encodes the rows since the last page, of which there is at least one.
func (c *ColumnWriter) endPage(rows int) {
	body := c.body[:0]
	if c.spec.Optional {
		body = appendHybrid(body, c.present, 1)
	}
	levels := len(body)
	switch c.spec.Encoding {
	case Dictionary:
		body = c.appendNumbers(body)
	case Delta:
		body = appendDelta(body, c.values, c.spec.Physical)
	default:
		body = appendPlain(body, c.values, c.spec.Physical)
	}
	if c.spec.Encoding != Dictionary && len(c.values) > 0 {
		c.least, c.most = min(c.least, slices.Min(c.values)), max(c.most, slices.Max(c.values))
	}
	nulls := rows - len(c.values)
	c.pages = c.appendPage(c.pages, pageDataV2, body, levels, func(h *thriftWriter) {
		h.structField(8, func() {
			h.i32(1, int64(rows))
			h.i32(2, int64(nulls))
			h.i32(3, int64(rows))
			h.i32(4, c.spec.Encoding)
			h.i32(5, int64(levels))
			h.i32(6, 0) // no repetitions
		})
	})
	c.count++
	c.rows += int64(rows)
	c.nulls += int64(nulls)
	c.values, c.present, c.body = c.values[:0], c.present[:0], body
}

// appendNumbers encodes values by their numbers in the dictionary, with as many bits, or bytes, as
// the greatest in this page needs.
func (c *ColumnWriter) appendNumbers(body []byte) []byte {
	numbers := grow(c.numbered, len(c.values))
	c.numbered = numbers
	greatest := uint32(0)
	for i, v := range c.values {
		n := c.dictionary.number(v)
		numbers[i] = n
		greatest = max(greatest, n)
	}
	width := uint(max(1, bits.Len32(greatest)))
	if c.spec.Wide {
		width = (width + 7) &^ 7
	}
	return appendHybrid(append(body, byte(width)), numbers, width)
}

// appendPage appends a page: a header, to which about adds what is told of its kind, levels as they
// are, and the rest compressed.
func (c *ColumnWriter) appendPage(dst []byte, kind int64, body []byte, levels int,
	about func(*thriftWriter)) []byte {
	c.packed = c.zstd.append(append(c.packed[:0], body[:levels]...), body[levels:])
	h := &c.header
	h.out = h.out[:0]
	h.structure(func() {
		h.i32(1, kind)
		h.i32(2, int64(len(body)))
		h.i32(3, int64(len(c.packed)))
		h.i32(4, int64(int32(crc32.ChecksumIEEE(c.packed))))
		about(h)
	})
	c.unpacked += int64(len(h.out) + len(body))
	return append(append(dst, h.out...), c.packed...)
}

// endGroup appends the column's part of a row group to dst, which lies in the file from there, and
// describes it as a ColumnChunk.
func (c *ColumnWriter) endGroup(dst []byte, from int64, footer *thriftWriter) []byte {
	start := len(dst)
	encodings := []int64{c.spec.Encoding}
	if c.spec.Optional {
		encodings = append(encodings, rle)
	}
	dictionary := c.spec.Encoding == Dictionary
	if dictionary {
		encodings = append(encodings, Plain)
		dst = c.appendDictionary(dst)
	}
	data := from + int64(len(dst)-start)
	dst = append(dst, c.pages...)
	footer.structure(func() {
		footer.i64(2, 0) // of metadata that lies elsewhere
		footer.structField(3, func() {
			footer.i32(1, int64(c.spec.Physical))
			footer.list(2, thriftI32, len(encodings))
			for _, e := range encodings {
				footer.zigzag(e)
			}
			footer.list(3, thriftBinary, 1)
			footer.element([]byte(c.spec.Name))
			footer.i32(4, codecZstd)
			footer.i64(5, c.rows)
			footer.i64(6, c.unpacked)
			footer.i64(7, int64(len(dst)-start))
			footer.i64(9, data)
			if dictionary {
				footer.i64(11, from)
			}
			footer.structField(12, func() { c.statistics(footer) })
			if dictionary {
				footer.list(13, thriftStruct, 2)
				pagesOf(footer, pageDictionary, Plain, 1)
			} else {
				footer.list(13, thriftStruct, 1)
			}
			pagesOf(footer, pageDataV2, c.spec.Encoding, c.count)
		})
	})
	return dst
}

// pagesOf writes a PageEncodingStats.
func pagesOf(footer *thriftWriter, kind, encoding, count int64) {
	footer.structure(func() {
		footer.i32(1, kind)
		footer.i32(2, encoding)
		footer.i32(3, count)
	})
}

// appendDictionary appends the page that has the different values.
func (c *ColumnWriter) appendDictionary(dst []byte) []byte {
	body := c.body[:0]
	values := c.dictionary.values
	if c.spec.Physical == Blobs {
		for _, v := range values {
			body = binary.LittleEndian.AppendUint32(body, uint32(len(c.words[v])))
			body = append(body, c.words[v]...)
		}
	} else {
		body = appendPlain(body, values, c.spec.Physical)
	}
	c.body = body
	return c.appendPage(dst, pageDictionary, body, 0, func(h *thriftWriter) {
		h.structField(7, func() {
			h.i32(1, int64(len(values)))
			h.i32(2, Plain)
		})
	})
}

// statistics writes a Statistics: how many rows are NULL, and the least and greatest value, in the
// order of its type.
func (c *ColumnWriter) statistics(footer *thriftWriter) {
	footer.i64(3, c.nulls)
	if c.nulls == c.rows {
		return
	}
	var least, most []byte
	if c.spec.Physical == Blobs {
		for i, v := range c.dictionary.values {
			w := []byte(c.words[v])
			if i == 0 || bytes.Compare(w, least) < 0 {
				least = w
			}
			if i == 0 || bytes.Compare(w, most) > 0 {
				most = w
			}
		}
	} else {
		if c.spec.Encoding == Dictionary {
			c.least, c.most = slices.Min(c.dictionary.values), slices.Max(c.dictionary.values)
		}
		least, most = appendPlain(nil, []int64{c.least}, c.spec.Physical),
			appendPlain(nil, []int64{c.most}, c.spec.Physical)
	}
	footer.binary(5, most)
	footer.binary(6, least)
}
