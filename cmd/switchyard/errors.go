package main

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"switchyard/internal/report"
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

// exitStatus is the exit code of a command that trace was given, which is to be trace's own. There
// is nothing to say of it.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// err is nil if the command did well.
func (s exitStatus) err() error {
	if s == exitDone {
		return nil
	}
	return s
}

func exitCode(err error) int {
	var status exitStatus
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &status):
		return int(status)
	case errors.Is(err, errUsage):
		return exitUsage
	}
	return exitFailed
}

// words is what an error says, in one line, and the remedy where a limit is
// behind it and the error does not name one itself.
func words(err error) string {
	text := oneLine(err.Error())
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

// oneLine makes text from anywhere fit for one line of a terminal: line ends
// become semicolons, tabs spaces, and what is not printable is escaped.
func oneLine(s string) string {
	var lines []string
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, report.Printable(strings.ReplaceAll(line, "\t", " ")))
		}
	}
	return strings.Join(lines, "; ")
}
