package run

import "github.com/klauspost/compress/zstd"

// A codec compresses pages. Most are packed bits, in which nothing repeats but some bytes are more frequent than others:
// the library's own setting leaves those as they are, and they are a fifth of the table.
type codec struct{ encoder *zstd.Encoder }

func newCodec() (*codec, error) {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
		zstd.WithAllLitEntropyCompression(true), zstd.WithEncoderCRC(false))
	return &codec{e}, err
}

// append appends a page, compressed.
func (c *codec) append(dst, page []byte) []byte { return c.encoder.EncodeAll(page, dst) }
