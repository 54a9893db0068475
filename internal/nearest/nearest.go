// Package nearest finds what somebody who mistyped a name may have meant.
package nearest

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
)

// Names lists those of known that are most like name, best first, at most n. A
// part of a known name between slashes may stand for the whole: "epol" and
// "poll/epol" are both near "poll/epoll". What is so far off that nobody can have meant it is left
// out, so that there may be none.
func Names(name string, known []string, n int) []string {
	type candidate struct {
		name     string
		distance int // characters to insert, delete or replace (Levenshtein)
	}
	name = strings.ToLower(name)
	// A short name has less to be recognized by.
	letters := utf8.RuneCountInString(name)
	most := min(max(2, letters/3), letters-1)
	list := make([]candidate, 0, len(known))
	for _, k := range known {
		d := levenshtein.ComputeDistance(name, k)
		for part := range strings.SplitSeq(k, "/") {
			d = min(d, levenshtein.ComputeDistance(name, part))
		}
		if d <= most {
			list = append(list, candidate{k, d})
		}
	}
	slices.SortFunc(list, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.name, b.name))
	})
	names := make([]string, 0, n)
	for _, c := range list[:min(n, len(list))] {
		names = append(names, c.name)
	}
	return names
}

// DidYouMean ends an error message with the names that may have been meant, if
// there are any.
func DidYouMean(names []string) string {
	switch len(names) {
	case 0:
		return ""
	case 1:
		return ": did you mean " + names[0] + "?"
	}
	last := len(names) - 1
	return ": did you mean " + strings.Join(names[:last], ", ") + " or " + names[last] + "?"
}
