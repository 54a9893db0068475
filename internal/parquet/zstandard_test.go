package parquet

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/zstd"
)

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
		if blocks := len(page)/maxBlock + 1; len(frame) > len(page)+len(frameHead)+4+3*blocks {
			t.Errorf("%s: a frame of %d bytes for %d", name, len(frame), len(page))
		}
	}
	if n := len(c.append(nil, pages()["skewed"])); n > maxBlock*2*6/10 {
		t.Errorf("what has 4.4 bits a byte took %d bytes", n)
	}
}

// A frame that is not as a compressor writes it is refused, and one that claims much costs nothing.
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
		"nothing":               {nil, 0},
		"no blocks":             {whole[:9], len(page)},
		"half":                  {whole[:len(whole)/2], len(page)},
		"a byte less":           {whole[:len(whole)-1], len(page)},
		"a byte more":           {append(bytes.Clone(whole), 0), len(page)},
		"another size":          {whole, len(page) - 1},
		"a size less":           {change(little, 5, 99), 99},
		"a size more":           {change(little, 5, 101), 101},
		"another magic":         {change(whole, 0, 1), len(page)},
		"a dictionary":          {change(whole, 4, 0xa1), len(page)},
		"another type":          {change(little, 9, little[9]|6), 100},
		"a run of megabytes":    {change(little, 9, 0xfb, 0xff, 0xff), 100},
		"megabytes as they are": {change(little, 9, 0xf9, 0xff, 0xff), 100},
		"compressed megabytes":  {change(little, 9, 0xfd, 0xff, 0xff), 100},
		"other literals":        {change(whole, 12, whole[12]^1), len(page)},
		"other streams":         {change(whole, 12, whole[12]^4), len(page)},
		"more literals":         {change(whole, 14, whole[14]|0x3f), len(page)},
		"a tree":                {change(whole, 17, 0xff), len(page)},
		"no tree": {append(bytes.Clone(frameHead), 9, 0, 0, 0, 6<<3|2<<1|1, 0, 0,
			literalsHead|9<<4, 0, 0, 0, 0, 0), 9},
		"too short a block": {append(bytes.Clone(frameHead), 0, 0, 0, 0, 1<<3|2<<1|1, 0, 0,
			0), 0},
		"a library's": {e.EncodeAll(bytes.Repeat([]byte("switchyard "), 90), nil), 990},
	} {
		var d decompressor
		if got, err := d.append(make([]byte, 0, test.size), test.frame, test.size); err == nil {
			t.Errorf("%s: %d bytes", name, len(got))
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
