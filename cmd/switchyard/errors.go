package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Exit codes of every command.
const (
	exitDone   = 0
	exitFailed = 1 // the work failed
	exitUsage  = 2 // something was asked for that makes no sense
)

// errUsage is what every error wraps that means exit code 2.
var errUsage = errors.New("usage")

// usageError wraps errUsage without showing it.
type usageError struct{ msg string }

func (e *usageError) Error() string { return e.msg }
func (e *usageError) Unwrap() error { return errUsage }

// usagef makes an error for something that was asked wrongly.
func usagef(format string, a ...any) error { return &usageError{fmt.Sprintf(format, a...)} }

func exitCode(err error) int {
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errUsage):
		return exitUsage
	}
	return exitFailed
}

// oneLine makes text from anywhere fit for one line of a terminal: line ends
// become semicolons, and what a terminal would obey instead of showing (escape
// sequences, or runes that turn the direction of writing) is escaped.
func oneLine(s string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimSpace(s)) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		for _, r := range line {
			switch {
			case r == '\t':
				b.WriteByte(' ')
			case r == unicode.ReplacementChar || !unicode.IsPrint(r):
				b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
			default:
				b.WriteRune(r)
			}
		}
	}
	return b.String()
}

// didYouMean ends an error message with the names that may have been meant.
func didYouMean(names []string) string {
	switch len(names) {
	case 0:
		return ""
	case 1:
		return ": did you mean " + names[0] + "?"
	}
	last := len(names) - 1
	return ": did you mean " + strings.Join(names[:last], ", ") + " or " + names[last] + "?"
}
