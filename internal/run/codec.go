package run

import (
	"errors"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
)

// A codec compresses pages. Most are packed bits, in which nothing repeats but some bytes are more frequent than others:
// the library's own setting leaves those as they are, and they are a fifth of the table.
type codec struct{ encoder *zstd.Encoder }

func newCodec() (*codec, error) {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
		zstd.WithAllLitEntropyCompression(true), zstd.WithEncoderCRC(false))
	return &codec{e}, err
}

// String returns the codec's name.
func (c *codec) String() string { return "ZSTD" }

// CompressionCodec returns its number.
func (c *codec) CompressionCodec() format.CompressionCodec { return format.Zstd }

// Encode compresses a page.
func (c *codec) Encode(dst, src []byte) ([]byte, error) {
	return c.encoder.EncodeAll(src, dst[:0]), nil
}

// Decode is not what tables are read with: see groupReader.
func (c *codec) Decode(dst, src []byte) ([]byte, error) { return nil, errors.ErrUnsupported }
