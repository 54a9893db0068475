package parquet

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// appendPlain encodes numbers as they are, and truth values as bits.
func appendPlain(dst []byte, values []int64, kind Physical) []byte {
	switch kind {
	case Booleans:
		at := len(dst)
		dst = append(dst, make([]byte, (len(values)+7)/8)...)
		for i, v := range values {
			dst[at+i/8] |= byte(v&1) << (i % 8)
		}
	case Int32s:
		for _, v := range values {
			dst = binary.LittleEndian.AppendUint32(dst, uint32(v))
		}
	case Int64s:
		for _, v := range values {
			dst = binary.LittleEndian.AppendUint64(dst, uint64(v))
		}
	}
	return dst
}

// appendHybrid encodes values of so many bits, at most 32, as runs of one value and as packed bits:
// see hybrid.
func appendHybrid[T uint8 | uint32](dst []byte, values []T, width uint) []byte {
	// A run between packed bits has a head and a value, and what is packed after it a head of its
	// own: it must be longer to be worth it the fewer bits a value has.
	worth := 8 * int(4/width+1)
	packed := 0 // begins what is not written yet
	for i := 0; i+8 <= len(values); {
		v := values[i]
		group := values[i : i+8 : i+8]
		if (group[1]^v)|(group[2]^v)|(group[3]^v)|(group[4]^v)|(group[5]^v)|(group[6]^v)|
			(group[7]^v) != 0 {
			i += 8
			continue
		}
		end := i + 8
		for end < len(values) && values[end] == v {
			end++
		}
		if end-i < worth {
			i += (end - i) &^ 7
			continue
		}
		dst = appendGroups(dst, values[packed:i], width)
		dst = binary.AppendUvarint(dst, uint64(end-i)<<1)
		for bit := uint(0); bit < width; bit += 8 {
			dst = append(dst, byte(uint64(v)>>bit))
		}
		i, packed = end, end
	}
	return appendGroups(dst, values[packed:], width)
}

// appendGroups encodes values as packed bits, in groups of eight of which the last is filled with
// zeros.
func appendGroups[T uint8 | uint32](dst []byte, values []T, width uint) []byte {
	if len(values) == 0 {
		return dst
	}
	groups := (len(values) + 7) / 8
	dst = binary.AppendUvarint(dst, uint64(groups)<<1|1)
	at := len(dst)
	end := at + groups*int(width)
	dst = append(dst, make([]byte, end+4-at)...) // whole words are put there
	var word uint64
	var n uint
	for _, v := range values {
		word |= uint64(v) << n
		if n += width; n >= 32 {
			binary.LittleEndian.PutUint32(dst[at:], uint32(word))
			at += 4
			word >>= 32
			n -= 32
		}
	}
	binary.LittleEndian.PutUint32(dst[at:], uint32(word))
	return dst[:end]
}

// Sizes of appendDelta's blocks, those of most writers.
const (
	deltaBlock = 128
	deltaMini  = 32
)

// appendDelta encodes values as DELTA_BINARY_PACKED: see delta.
func appendDelta(dst []byte, values []int64, kind Physical) []byte {
	dst = binary.AppendUvarint(dst, deltaBlock)
	dst = binary.AppendUvarint(dst, deltaBlock/deltaMini)
	dst = binary.AppendUvarint(dst, uint64(len(values)))
	if len(values) == 0 {
		return append(dst, 0)
	}
	last := values[0]
	dst = binary.AppendVarint(dst, last)
	for values = values[1:]; len(values) > 0; {
		var block [deltaBlock]int64
		n := min(deltaBlock, len(values))
		least := int64(math.MaxInt64)
		for i, v := range values[:n] {
			d := v - last
			if kind == Int32s { // wraps in the width of the type
				d = int64(int32(d))
			}
			block[i], last = d, v
			least = min(least, d)
		}
		values = values[n:]
		dst = binary.AppendVarint(dst, least)
		widths := len(dst)
		dst = append(dst, make([]byte, deltaBlock/deltaMini)...)
		for from := 0; from < n; from += deltaMini {
			mini := block[from : from+deltaMini]
			all := uint64(0)
			for i := range mini {
				mini[i] -= least
				if from+i >= n {
					mini[i] = 0
				}
				all |= uint64(mini[i])
			}
			width := uint(bits.Len64(all))
			dst[widths+from/deltaMini] = byte(width)
			dst = appendWide(dst, mini, width)
		}
	}
	return dst
}

// appendWide encodes values as packed bits, at most 64 each. All together are whole bytes.
func appendWide(dst []byte, values []int64, width uint) []byte {
	var word uint64
	var n uint
	for _, v := range values {
		word |= uint64(v) << n
		if n += width; n >= 64 {
			dst = binary.LittleEndian.AppendUint64(dst, word)
			n -= 64
			word = uint64(v) >> (width - n)
		}
	}
	for ; n > 0; n -= 8 {
		dst = append(dst, byte(word))
		word >>= 8
	}
	return dst
}
