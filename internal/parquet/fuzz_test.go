package parquet

import "testing"

// FuzzPage reaches the decoders of values, which checksums and compression hide from the others.
func FuzzPage(f *testing.F) {
	f.Add(byte(Dictionary), byte(Int32s), true, uint16(9), []byte{18, 1}, []byte{2, 3, 0x1b, 0})
	f.Add(byte(Delta), byte(Int64s), false, uint16(40), []byte{}, []byte{128, 1, 4, 40, 2, 2, 3, 0,
		0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
	f.Add(byte(Delta), byte(Int32s), false, uint16(3), []byte{}, []byte{128, 1, 4, 3, 2, 2, 64, 64,
		64, 64, 1, 2, 3, 4, 5, 6, 7, 8})
	f.Add(byte(Plain), byte(Booleans), false, uint16(11), []byte{}, []byte{0xff, 1})
	f.Fuzz(func(t *testing.T, encoding, kind byte, optional bool, n uint16, levels, body []byte) {
		r := Reader{dictionary: []int64{1, 2, 3}}
		ints := make([]int64, n)
		var null []bool
		if optional {
			null = make([]bool, n)
		}
		spec := Column{Name: "c", Physical: Physical(kind), Optional: optional}
		if r.values(spec, ints, null, levels, body, int64(encoding)) != nil {
			return
		}
		for i := range null {
			if null[i] && ints[i] != 0 {
				t.Errorf("row %d is NULL and %d", i, ints[i])
			}
		}
	})
}
