package hist

import (
	"math"
	"math/bits"
)

// The shape of the buckets: enum hist_shape of trace/bpf/count.h, which a test of package trace
// compares with these.
const (
	MinLog2 = 6  // log2 of the lowest duration (ns) that is not in the first bucket
	MaxLog2 = 36 // log2 of the lowest duration (ns) that is in the last one
	SubLog2 = 4  // log2 of the number of buckets for each power of two in between

	// Buckets is how many there are.
	Buckets = 2 + (MaxLog2-MinLog2)<<SubLog2
)

// Index returns the number of the bucket that holds a duration of ns, as hist_bucket in
// trace/bpf/hist.h does.
func Index(ns uint64) int {
	if ns < 1<<MinLog2 {
		return 0
	}
	log := bits.Len64(ns) - 1
	if log >= MaxLog2 {
		return Buckets - 1
	}
	return 1 + (log-MinLog2)<<SubLog2 + int(ns>>(log-SubLog2))&(1<<SubLog2-1)
}

// Bounds returns which durations bucket i holds: lo <= ns < hi.
func Bounds(i int) (lo, hi uint64) {
	switch {
	case i <= 0:
		return 0, 1 << MinLog2
	case i >= Buckets-1:
		return 1 << MaxLog2, math.MaxUint64
	}
	i--
	log := i>>SubLog2 + MinLog2
	width := uint64(1) << (log - SubLog2)
	lo = 1<<log + uint64(i&(1<<SubLog2-1))*width
	return lo, lo + width
}
