package sys

import "math/bits"

// FDSetSize is how many descriptors an FDSet holds: FD_SETSIZE of the C library (select(2)). The
// kernel itself has no such limit.
const FDSetSize = 1024

// FDSet is a set of descriptors below FDSetSize, as select(2) takes it.
type FDSet [FDSetSize / bits.UintSize]uint

// Set puts fd into the set.
func (s *FDSet) Set(fd int) { s[fd/bits.UintSize] |= 1 << (fd % bits.UintSize) }

// Clear takes fd out of the set.
func (s *FDSet) Clear(fd int) { s[fd/bits.UintSize] &^= 1 << (fd % bits.UintSize) }

// Has reports whether fd is in the set.
func (s *FDSet) Has(fd int) bool { return s[fd/bits.UintSize]&(1<<(fd%bits.UintSize)) != 0 }
