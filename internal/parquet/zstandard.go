package parquet

import (
	"errors"

	"github.com/klauspost/compress/zstd"
)

// Pages are frames of Zstandard (RFC 8878). They carry no checksum: the page's header has one.

// A compressor writes frames.
type compressor struct{ library *zstd.Encoder }

func newCompressor() *compressor {
	// The level is for the size: what is faster takes packed bits for repetitions that are none,
	// and on a machine with 256 CPUs an event takes more than eight bytes (TestBytesPerEvent).
	e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithWindowSize(1<<18),
		zstd.WithAllLitEntropyCompression(true),
		zstd.WithEncoderCRC(false), zstd.WithSingleSegment(true), zstd.WithZeroFrames(true))
	if err != nil {
		panic(err) // of options only
	}
	return &compressor{e}
}

// append appends a page as a frame.
func (c *compressor) append(dst, page []byte) []byte { return c.library.EncodeAll(page, dst) }

var errFrame = errors.New("a page cannot be decompressed")

// A decompressor reads frames.
type decompressor struct{ library *zstd.Decoder }

// append appends what is in a frame, which has so many bytes: more are never decompressed, whatever
// the frame claims.
func (d *decompressor) append(dst, frame []byte, size int) ([]byte, error) {
	if d.library == nil {
		var err error
		d.library, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1),
			zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderMaxMemory(maxPage))
		if err != nil {
			return nil, err
		}
	}
	have := len(dst)
	if cap(dst)-have < size {
		dst = append(make([]byte, 0, have+size), dst...)
	}
	dst, err := d.library.DecodeAll(frame, dst[:have:have+size])
	if err != nil || len(dst) != have+size || len(frame) == 0 {
		return nil, errFrame
	}
	return dst, nil
}
