package parquet

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/klauspost/compress/huff0"
)

// Pages are frames of Zstandard (RFC 8878) in which nothing refers back to what came before: packed
// bits do not repeat, but some bytes are more frequent than others, which a Huffman code is enough
// for. The library for all of Zstandard would take 0.15 ms of every start of the program to fill
// tables, a fifteenth of it, and a server of fork/exec starts it for each connection.

// frameHead begins every frame: the magic number, and that the frame is one segment with its size
// in four bytes.
var frameHead = []byte{0x28, 0xb5, 0x2f, 0xfd, 0xa0}

// maxBlock is how much a block holds at most, before compression.
const maxBlock = 128 << 10

// Types of blocks.
const (
	blockRaw        = 0
	blockRLE        = 1
	blockCompressed = 2
)

// literalsHead is the type of the literals of every compressed block, a Huffman tree and four
// streams, and the width of their two sizes, 18 bits each, which follow.
const literalsHead = 2 | 3<<2

// A compressor writes frames.
type compressor struct{ huffman huff0.Scratch }

func newCompressor() *compressor {
	return &compressor{huff0.Scratch{Reuse: huff0.ReusePolicyNone}}
}

// append appends a page as a frame.
func (c *compressor) append(dst, page []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(append(dst, frameHead...), uint32(len(page)))
	for last := false; !last; {
		block := page[:min(len(page), maxBlock)]
		page = page[len(block):]
		last = len(page) == 0
		dst = c.appendBlock(dst, block, last)
	}
	return dst
}

func (c *compressor) appendBlock(dst, block []byte, last bool) []byte {
	head := func(kind, size int) {
		h := size<<3 | kind<<1
		if last {
			h |= 1
		}
		dst = append(dst, byte(h), byte(h>>8), byte(h>>16))
	}
	packed, _, err := huff0.Compress4X(block, &c.huffman)
	size := 5 + len(packed) + 1
	switch {
	case err == nil && size < len(block):
		head(blockCompressed, size)
		literals := uint64(literalsHead | len(block)<<4 | len(packed)<<22)
		dst = append(binary.LittleEndian.AppendUint32(dst, uint32(literals)), byte(literals>>32))
		return append(append(dst, packed...), 0) // no sequences
	case errors.Is(err, huff0.ErrUseRLE) && len(block) > 0:
		head(blockRLE, len(block))
		return append(dst, block[0])
	default:
		head(blockRaw, len(block))
		return append(dst, block...)
	}
}

var errFrame = errors.New("a page cannot be decompressed")

// A decompressor reads frames, as a compressor writes them and no others.
type decompressor struct{ huffman huff0.Scratch }

// append appends what is in a frame, which has so many bytes.
func (d *decompressor) append(dst, frame []byte, size int) ([]byte, error) {
	n := len(frameHead)
	if !bytes.HasPrefix(frame, frameHead) || len(frame) < n+4 ||
		uint64(binary.LittleEndian.Uint32(frame[n:])) != uint64(size) {
		return nil, errFrame
	}
	frame = frame[n+4:]
	for last := false; !last; {
		if len(frame) < 3 {
			return nil, errFrame
		}
		h := int(frame[0]) | int(frame[1])<<8 | int(frame[2])<<16
		frame = frame[3:]
		last = h&1 != 0
		n := h >> 3
		switch h >> 1 & 3 {
		case blockRaw:
			if n > len(frame) || n > size {
				return nil, errFrame
			}
			dst = append(dst, frame[:n]...)
			size -= n
			frame = frame[n:]
		case blockRLE:
			if len(frame) == 0 || n > size {
				return nil, errFrame
			}
			dst = append(dst, bytes.Repeat(frame[:1], n)...)
			size -= n
			frame = frame[1:]
		case blockCompressed:
			if n > len(frame) {
				return nil, errFrame
			}
			before := len(dst)
			var err error
			if dst, err = d.appendLiterals(dst, frame[:n], size); err != nil {
				return nil, err
			}
			size -= len(dst) - before
			frame = frame[n:]
		default:
			return nil, errFrame
		}
	}
	if size != 0 || len(frame) != 0 {
		return nil, errFrame
	}
	return dst, nil
}

// appendLiterals appends what is in a compressed block, at most so many bytes.
func (d *decompressor) appendLiterals(dst, block []byte, most int) ([]byte, error) {
	if len(block) < 6 || block[len(block)-1] != 0 {
		return nil, errFrame
	}
	head := uint64(binary.LittleEndian.Uint32(block)) | uint64(block[4])<<32
	size, packed := int(head>>4&(1<<18-1)), block[5:len(block)-1]
	if head&15 != literalsHead || head>>22 != uint64(len(packed)) || size > min(most, maxBlock) {
		return nil, errFrame
	}
	_, streams, err := huff0.ReadTable(packed, &d.huffman)
	if err != nil {
		return nil, errFrame
	}
	at := len(dst)
	dst = append(dst, make([]byte, size)...)
	out, err := d.huffman.Decoder().Decompress4X(dst[at:at:at+size], streams)
	if err != nil || len(out) != size {
		return nil, errFrame
	}
	return dst, nil
}
