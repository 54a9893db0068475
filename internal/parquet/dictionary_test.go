package parquet

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Each value has one number, in the order in which values came, also when there are many and after
// all were forgotten.
func TestDictionary(t *testing.T) {
	rnd := rand.New(rand.NewPCG(4, 5))
	d := newDictionary()
	for range 3 {
		want := map[int64]uint32{}
		var order []int64
		for i := range 100_000 {
			v := rnd.Int64N(30_000) - 15_000
			switch i % 1000 {
			case 0:
				v = math.MinInt64 + int64(i)
			case 1:
				v = int64(i) << 40 // what a table of powers of two may keep in one place
			}
			n, ok := want[v]
			if !ok {
				n = uint32(len(order))
				want[v] = n
				order = append(order, v)
			}
			if got := d.number(v); got != n {
				t.Fatalf("%d has the number %d, want %d", v, got, n)
			}
		}
		if !slices.Equal(d.values, order) {
			t.Error("values are in another order")
		}
		d.forget()
	}
}
