package sched

import (
	"cmp"
	"slices"
)

// stretch is a time in which events were lost, its ends included.
type stretch struct{ first, last int64 }

// losses are the lost intervals of one CPU, or of all together: in order, apart from each other.
type losses []stretch

// merge puts them in order and joins those that overlap.
func (l losses) merge() losses {
	slices.SortFunc(l, func(a, b stretch) int { return cmp.Compare(a.first, b.first) })
	out := l[:0]
	for _, s := range l {
		if n := len(out); n > 0 && s.first <= out[n-1].last {
			out[n-1].last = max(out[n-1].last, s.last)
			continue
		}
		out = append(out, s)
	}
	return out
}

// within returns the first and the last time at which something was lost between from and to, and
// whether anything was.
func (l losses) within(from, to int64) (first, last int64, any bool) {
	if len(l) == 0 || l[len(l)-1].last < from {
		return 0, 0, false // the common case, and the only one in most runs
	}
	i, _ := slices.BinarySearchFunc(l, from, func(s stretch, t int64) int {
		return cmp.Compare(s.last, t)
	})
	j, found := slices.BinarySearchFunc(l, to, func(s stretch, t int64) int {
		return cmp.Compare(s.first, t)
	})
	if found {
		j++
	}
	if i >= j {
		return 0, 0, false
	}
	return max(l[i].first, from), min(l[j-1].last, to), true
}
