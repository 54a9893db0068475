package parquet

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// lists are values of at most so many bits, with runs of every length among what does not repeat,
// and every length of list around a group and a block.
func lists(bits uint) [][]int64 {
	rnd := rand.New(rand.NewPCG(uint64(bits), 3))
	value := func() int64 { return int64(rnd.Uint64() >> (64 - bits)) }
	var all [][]int64
	for n := range 70 {
		noise, same := make([]int64, n), make([]int64, n)
		last := value()
		for i := range n {
			noise[i], same[i] = value(), last
		}
		all = append(all, noise, same)
	}
	var runs []int64
	for len(runs) < 5000 {
		v := value()
		for range 1 + rnd.IntN(1+rnd.IntN(100)) {
			runs = append(runs, v)
		}
		for range rnd.IntN(20) {
			runs = append(runs, value())
		}
	}
	return append(all, runs)
}

func TestHybrid(t *testing.T) {
	for width := uint(1); width <= 32; width++ {
		for _, want := range lists(width) {
			numbers, bytes := make([]uint32, len(want)), make([]uint8, len(want))
			for i, v := range want {
				numbers[i], bytes[i] = uint32(v), uint8(v)
			}
			code := appendHybrid([]byte{1, 2, 3}, numbers, width)[3:]
			if most := len(want)*int(width)/8 + int(width) + 3; len(code) > most {
				t.Errorf("width %d: %d values in %d bytes, want at most %d", width, len(want),
					len(code), most)
			}
			got := make([]int64, len(want))
			err := hybrid(got, code, width, func(v uint64) int64 { return int64(v) })
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("width %d: %v, %v, want %v", width, got, err, want)
			}
			if width <= 8 && !slices.Equal(appendHybrid(nil, bytes, width), code) {
				t.Fatalf("width %d: bytes have another code", width)
			}
		}
	}
	if n := len(appendHybrid(nil, make([]uint8, pageRows), 1)); n > 5 {
		t.Errorf("a run takes %d bytes", n)
	}
}

func TestDelta(t *testing.T) {
	for width := uint(1); width <= 64; width++ {
		for _, want := range lists(width) {
			for _, kind := range []Physical{Int32s, Int64s} {
				want := slices.Clone(want)
				if kind == Int32s {
					for i, v := range want {
						want[i] = int64(int32(v))
					}
				}
				got := make([]int64, len(want))
				if err := delta(got, appendDelta([]byte{1, 2, 3}, want, kind)[3:],
					kind); err != nil || !slices.Equal(got, want) {
					t.Fatalf("width %d: %v, %v, want %v", width, got, err, want)
				}
			}
		}
	}
	ends := []int64{math.MinInt64, math.MaxInt64, 0, -1, math.MaxInt64, math.MinInt64}
	got := make([]int64, len(ends))
	if err := delta(got, appendDelta(nil, ends, Int64s), Int64s); err != nil ||
		!slices.Equal(got, ends) {
		t.Errorf("%v, %v, want %v", got, err, ends)
	}
	// The example of parquet-format, Encodings.md: 7, 5, 3, 1, 2, 3, 4, 5 has differences from −2,
	// in two bits.
	example := appendDelta(nil, []int64{7, 5, 3, 1, 2, 3, 4, 5}, Int32s)
	want := append([]byte{128, 1, 4, 8, 14, 3, 2, 0, 0, 0, 0xc0, 0x3f}, make([]byte, 6)...)
	if !slices.Equal(example, want) {
		t.Errorf("example is %v, want %v", example, want)
	}
}

func TestPlain(t *testing.T) {
	for kind, bits := range map[Physical]uint{Booleans: 1, Int32s: 31, Int64s: 64} {
		for _, want := range lists(bits) {
			got := make([]int64, len(want))
			if err := plain(got, appendPlain([]byte{1, 2, 3}, want, kind)[3:], kind); err != nil ||
				!slices.Equal(got, want) {
				t.Fatalf("type %d: %v, %v, want %v", kind, got, err, want)
			}
		}
	}
}

// FuzzEncode gives any numbers to the encoders, and takes them back.
func FuzzEncode(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8}, byte(3))
	f.Add(make([]byte, 800), byte(1))
	f.Fuzz(func(t *testing.T, data []byte, width byte) {
		var want []int64
		var numbers []uint32
		bits := uint(width%32) + 1
		for ; len(data) >= 8; data = data[8:] {
			v := binary.LittleEndian.Uint64(data)
			want = append(want, int64(v))
			numbers = append(numbers, uint32(v&(1<<bits-1)))
		}
		got := make([]int64, len(want))
		if err := delta(got, appendDelta(nil, want, Int64s), Int64s); err != nil ||
			!slices.Equal(got, want) {
			t.Errorf("delta %v, %v, want %v", got, err, want)
		}
		back := make([]uint32, len(numbers))
		err := hybrid(back, appendHybrid(nil, numbers, bits), bits, func(v uint64) uint32 {
			return uint32(v)
		})
		if err != nil || !slices.Equal(back, numbers) {
			t.Errorf("hybrid %v, %v, want %v", back, err, numbers)
		}
	})
}
