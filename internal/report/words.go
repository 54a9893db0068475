package report

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"
)

// Words is what an error says, in one line, and the remedy where a limit is
// behind it and the error does not name one itself.
func Words(err error) string {
	text := OneLine(err.Error())
	switch {
	case strings.Contains(text, "ulimit"):
		return text
	case errors.Is(err, unix.EMFILE):
		return text + " (raise ulimit -n)"
	case errors.Is(err, unix.ENFILE):
		return text + " (raise the sysctl fs.file-max)"
	case errors.Is(err, unix.ENOMEM):
		return text + " (ask for less, or raise ulimit -v, the sysctl vm.max_map_count or the control group's memory.max)"
	}
	return text
}

// OneLine makes text from anywhere fit for one line of a terminal: line ends
// become semicolons, tabs spaces, and what is not printable is escaped.
func OneLine(s string) string {
	var lines []string
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, Printable(strings.ReplaceAll(line, "\t", " ")))
		}
	}
	return strings.Join(lines, "; ")
}
