package parquet

import (
	"math/bits"
	"math/rand/v2"
)

// A dictionary numbers the different values of a column, in the order in which they come. It is a
// hash table with open addressing, since each event asks a dozen of them.
type dictionary struct {
	values []int64
	slots  []uint32 // the number of a value, plus 1; a power of two of them, at most half full
	shift  uint
	// What programs return from system calls is theirs to choose: with a factor that they cannot
	// know they cannot make all of it fall into one place (Dietzfelbinger et al., "A reliable
	// randomized algorithm for the closest-pair problem", 1997).
	factor uint64
}

func newDictionary() dictionary {
	d := dictionary{factor: rand.Uint64() | 1}
	d.resize(1 << 6)
	return d
}

// forget begins anew.
func (d *dictionary) forget() {
	d.values = d.values[:0]
	clear(d.slots)
}

// number returns the number of a value.
func (d *dictionary) number(v int64) uint32 {
	mask := uint64(len(d.slots) - 1)
	for i := uint64(v) * d.factor >> d.shift; ; i++ {
		n := d.slots[i&mask]
		if n == 0 {
			return d.add(v, i&mask)
		}
		if d.values[n-1] == v {
			return n - 1
		}
	}
}

func (d *dictionary) add(v int64, slot uint64) uint32 {
	d.values = append(d.values, v)
	d.slots[slot] = uint32(len(d.values))
	if 2*len(d.values) > len(d.slots) {
		d.resize(2 * len(d.slots))
	}
	return uint32(len(d.values) - 1)
}

func (d *dictionary) resize(n int) {
	d.slots, d.shift = make([]uint32, n), uint(64-bits.TrailingZeros(uint(n)))
	for k, v := range d.values {
		i := uint64(v) * d.factor >> d.shift
		for d.slots[i&uint64(n-1)] != 0 {
			i++
		}
		d.slots[i&uint64(n-1)] = uint32(k + 1)
	}
}
