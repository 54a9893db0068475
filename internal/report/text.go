package report

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/text"
)

// Printable is s with everything that a terminal would obey instead of showing
// (escape sequences, runes that turn the direction of writing), or that is not
// text, escaped: names come from the kernel and the network.
func Printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// wrap breaks a line at spaces so that no piece is wider than width, if words allow; the pieces
// after the first are indented. A number and its noun stay together. Every sentence goes through
// here, and is made Printable here.
func wrap(line string, width int) []string { return fill(line, width, "  ") }

// proseWidth is how wide sentences are at most: longer lines are hard to read.
const proseWidth = 118

// writeWrapped writes a sentence in lines of no more than width.
func writeWrapped(b *strings.Builder, width int, format string, args ...any) {
	for _, line := range wrap(fmt.Sprintf(format, args...), min(width, proseWidth)) {
		fmt.Fprintln(b, line)
	}
}

// Paragraph is text in lines of no more than width, if words allow.
func Paragraph(text string, width int) string { return strings.Join(fill(text, width, ""), "\n") }

// fill is wrap with any indent.
func fill(line string, width int, indent string) []string {
	var lines []string
	current, length := "", 0
	for _, word := range unbroken(strings.Fields(line)) {
		word = Printable(word)
		n := text.StringWidthWithoutEscSequences(word)
		if length > 0 && length+1+n > width {
			lines = append(lines, current)
			current, length = indent+word, len(indent)+n
			continue
		}
		if length > 0 {
			current += " "
			length++
		}
		current += word
		length += n
	}
	return append(lines, current)
}

// unbroken joins what is read as one word: a number and what it is a number of, as in "2222
// newfstatat", "3 of 3" or "0.5 %", and what a number is and the number, as in "p99 3µs".
func unbroken(words []string) []string {
	var joined []string
	for i, word := range words {
		if i > 0 && (number.MatchString(words[i-1]) || measure.MatchString(words[i-1]) ||
			i > 1 && number.MatchString(words[i-2]) && between.MatchString(words[i-1]+" "+word)) {
			joined[len(joined)-1] += " " + word
			continue
		}
		joined = append(joined, word)
	}
	return joined
}

var (
	number  = regexp.MustCompile(`^[(±]?[−-]?[0-9]([0-9.,]*[0-9])?$`)
	measure = regexp.MustCompile(`^[(]?(p[0-9.]+|mean|max|CPU|seed|±)$`)
	between = regexp.MustCompile(`^(of|to) [0-9]`)
)

func sorted(names []string) []string {
	slices.Sort(names)
	return names
}

// kinds lists counts by name, largest first.
func kinds(m map[string]int64) string {
	names := slices.Collect(maps.Keys(m))
	slices.SortFunc(names, func(a, b string) int {
		if m[a] != m[b] {
			return int(m[b] - m[a])
		}
		return strings.Compare(a, b)
	})
	var parts []string
	for _, k := range names {
		parts = append(parts, fmt.Sprintf("%d %s", m[k], Printable(k)))
	}
	return strings.Join(parts, ", ")
}
