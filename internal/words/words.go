// Package words says numbers in words.
package words

import (
	"fmt"
	"strings"
)

// Count is a number and what it is a number of: a noun that takes an s, or es after ch.
func Count[N ~int | ~int64 | ~uint64](n N, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "ch"):
		return fmt.Sprintf("%d %ses", n, noun)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
