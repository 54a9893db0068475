package parquet

import (
	"encoding/binary"
)

// plain decodes numbers as they are, and truth values as bits.
func plain(dst []int64, src []byte, kind Physical) error {
	switch kind {
	case Booleans:
		if len(src) != (len(dst)+7)/8 {
			return errValues
		}
		for i := range dst {
			dst[i] = int64(src[i/8] >> (i % 8) & 1)
		}
	case Int32s:
		if len(src) != 4*len(dst) {
			return errValues
		}
		for i := range dst {
			dst[i] = int64(int32(binary.LittleEndian.Uint32(src[4*i:])))
		}
	case Int64s:
		if len(src) != 8*len(dst) {
			return errValues
		}
		for i := range dst {
			dst[i] = int64(binary.LittleEndian.Uint64(src[8*i:]))
		}
	}
	return nil
}

// hybrid decodes runs and packed bits of so many bits a value, at most 32, as Parquet has them in
// levels and indices (parquet-format, Encodings.md, "Run Length Encoding / Bit-Packing Hybrid").
func hybrid[T any](dst []T, src []byte, width uint, convert func(uint64) T) error {
	for len(dst) > 0 {
		head, n := binary.Uvarint(src)
		if n <= 0 {
			return errValues
		}
		src = src[n:]
		count := head >> 1
		if count == 0 {
			return errValues
		}
		if head&1 == 0 {
			size := int(width+7) / 8
			if count > uint64(len(dst)) || size > len(src) {
				return errValues
			}
			var word [8]byte
			copy(word[:], src[:size])
			src = src[size:]
			v := convert(binary.LittleEndian.Uint64(word[:]))
			for i := range dst[:count] {
				dst[i] = v
			}
			dst = dst[count:]
			continue
		}
		// Groups of eight, of which the last may be longer than what is left.
		if count > uint64(len(dst)+7)/8 {
			return errValues
		}
		size := int(count) * int(width)
		if size > len(src) {
			return errValues
		}
		packed := src[:size]
		src = src[size:]
		values := dst[:min(len(dst), 8*int(count))]
		mask := uint64(1)<<width - 1
		for i := range values {
			values[i] = convert(bitsAt(packed, uint(i)*width) & mask)
		}
		dst = dst[len(values):]
	}
	return nil
}

// bitsAt returns at least the 57 bits that begin there, as far as there are any.
func bitsAt(src []byte, bit uint) uint64 {
	src = src[bit/8:]
	if len(src) >= 8 {
		return binary.LittleEndian.Uint64(src) >> (bit % 8)
	}
	var word [8]byte
	copy(word[:], src)
	return binary.LittleEndian.Uint64(word[:]) >> (bit % 8)
}

// delta decodes DELTA_BINARY_PACKED: the first value, then blocks of differences, each with its
// least and the width of the rest (parquet-format, Encodings.md, "Delta Encoding").
func delta(dst []int64, src []byte, kind Physical) error {
	if len(dst) == 0 {
		return nil
	}
	d := deltas{src: src}
	block, minis, total, value := d.uvarint(), d.uvarint(), d.uvarint(), d.varint()
	if d.bad || block == 0 || block > 1<<16 || block%128 != 0 || minis == 0 || minis > block/32 ||
		block%(32*minis) != 0 ||
		total != uint64(len(dst)) {
		return errValues
	}
	perMini := int(block / minis)
	dst[0] = value
	for i := 1; i < len(dst); {
		least := d.varint()
		widths := d.bytes(int(minis))
		if d.bad {
			return errValues
		}
		for _, w := range widths {
			if i == len(dst) {
				break
			}
			if w > 64 {
				return errValues
			}
			packed := d.bytes(perMini * int(w) / 8)
			if d.bad {
				return errValues
			}
			n := min(perMini, len(dst)-i)
			width := uint(w)
			mask := uint64(1)<<width - 1
			for k := range uint(n) {
				v := bitsAt(packed, k*width)
				if width > 57 {
					v = wideBitsAt(packed, k*width)
				}
				value += int64(v&mask) + least
				dst[i] = value
				i++
			}
		}
	}
	if kind == Int32s { // sums wrap in the width of the type
		for i := range dst {
			dst[i] = int64(int32(dst[i]))
		}
	}
	return nil
}

// wideBitsAt returns the 64 bits that begin there, as far as there are any.
func wideBitsAt(src []byte, bit uint) uint64 {
	v := bitsAt(src, bit) & (1<<57 - 1)
	if bit/8+7 >= uint(len(src)) {
		return v
	}
	return v | bitsAt(src, bit+57)<<57
}

// deltas reads the numbers between packed bits.
type deltas struct {
	src []byte
	bad bool
}

func (d *deltas) uvarint() uint64 {
	v, n := binary.Uvarint(d.src)
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.src = d.src[n:]
	return v
}

func (d *deltas) varint() int64 {
	u := d.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

func (d *deltas) bytes(n int) []byte {
	if n > len(d.src) {
		d.bad = true
		return nil
	}
	b := d.src[:n]
	d.src = d.src[n:]
	return b
}
