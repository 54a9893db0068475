package parquet

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// maxBlock is how much a block of a frame holds at most, before compression.
const maxBlock = 128 << 10

// pages are what a compressor may get: none, a single value, noise, text, and more than a block of
// each.
func pages() map[string][]byte {
	rnd := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 3*maxBlock+17)
	skewed := make([]byte, 2*maxBlock+5)
	for i := range noise {
		noise[i] = byte(rnd.Uint32())
	}
	for i := range skewed {
		skewed[i] = byte(rnd.Uint32() & rnd.Uint32() & rnd.Uint32())
	}
	return map[string][]byte{
		"nothing": {}, "a byte": {7}, "two": {7, 8}, "a value": bytes.Repeat([]byte{9}, 1000),
		"a block":         bytes.Repeat([]byte{9}, maxBlock),
		"many of a value": make([]byte, 3*maxBlock), "noise": noise, "skewed": skewed,
		"one block": skewed[:maxBlock],
		"little":    skewed[:40], "text": bytes.Repeat([]byte("switchyard "), 90),
	}
}

// What is compressed comes back, here and in a library for all of Zstandard.
func TestZstandard(t *testing.T) {
	c := newCompressor()
	library, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	defer library.Close()
	var d decompressor
	for name, page := range pages() {
		frame := c.append([]byte("before"), page)
		if !bytes.HasPrefix(frame, []byte("before")) {
			t.Fatalf("%s: what was there is not", name)
		}
		frame = frame[len("before"):]
		if got, err := d.append([]byte("x"), frame, len(page)); err != nil ||
			!bytes.Equal(got, append([]byte("x"), page...)) {
			t.Errorf("%s: %d bytes, %v, want %d", name, len(got)-1, err, len(page))
		}
		if got, err := library.DecodeAll(frame, nil); err != nil || !bytes.Equal(got, page) {
			t.Errorf("%s: the library has %d bytes, %v, want %d", name, len(got), err, len(page))
		}
		if len(frame) > len(page)+len(page)/1000+16 {
			t.Errorf("%s: a frame of %d bytes for %d", name, len(frame), len(page))
		}
	}
	if n := len(c.append(nil, pages()["skewed"])); n > maxBlock*2*6/10 {
		t.Errorf("what has 4.4 bits a byte took %d bytes", n)
	}
}

// A frame that is broken is refused, and one that claims much costs nothing.
func TestHostileFrames(t *testing.T) {
	page := pages()["skewed"]
	whole := newCompressor().append(nil, page)
	little := newCompressor().append(nil, make([]byte, 100))
	change := func(frame []byte, at int, to ...byte) []byte {
		frame = bytes.Clone(frame)
		copy(frame[at:], to)
		return frame
	}
	e, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for name, test := range map[string]struct {
		frame []byte
		size  int
	}{
		"nothing":      {nil, 0},
		"half":         {whole[:len(whole)/2], len(page)},
		"a byte less":  {whole[:len(whole)-1], len(page)},
		"a byte more":  {append(bytes.Clone(whole), 0), len(page)},
		"a frame more": {append(bytes.Clone(whole), little...), len(page)},
		"another size": {whole, len(page) - 1},
		"a size less":  {little, 99},
		"a size more":  {little, 101},
		"no magic":     {change(whole, 0, 1), len(page)},
		"a dictionary": {append([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x21, 7, 0}, 1, 0, 0), 0},
		"a gigabyte":   {e.EncodeAll(make([]byte, 1<<30), nil), 100},
		"claims one":   {append([]byte{0x28, 0xb5, 0x2f, 0xfd, 0xa0}, 0, 0, 0, 0x40, 1, 0, 0), 100},
		"of megabytes": {append([]byte{0x28, 0xb5, 0x2f, 0xfd, 0xa0},
			100, 0, 0, 0, 0xfb, 0xff, 0xff, 0), 100},
	} {
		var d decompressor
		before := make([]byte, 0, test.size)
		if got, err := d.append(before, test.frame, test.size); err == nil {
			t.Errorf("%s: %d bytes", name, len(got))
		}
		if beyond := before[:cap(before)]; cap(beyond) > test.size && beyond[test.size] != 0 {
			t.Errorf("%s: it wrote beyond what was asked for", name)
		}
	}
}

// FuzzFrame feeds a frame to the decompressor. Whatever it is, it gives as many bytes as were asked
// for or refuses it.
func FuzzFrame(f *testing.F) {
	for _, page := range pages() {
		page = page[:min(len(page), 2000)]
		f.Add(newCompressor().append(nil, page), len(page))
	}
	f.Fuzz(func(t *testing.T, frame []byte, size int) {
		if size < 0 || size > maxPage {
			return
		}
		var d decompressor
		if got, err := d.append(nil, frame, size); err == nil && len(got) != size {
			t.Errorf("%d bytes, want %d", len(got), size)
		}
	})
}
