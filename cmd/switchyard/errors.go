package main

import (
	"errors"
	"fmt"

	"switchyard/internal/command"
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
	var no *command.NotStarted
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &status):
		return int(status)
	case errors.As(err, &no):
		return no.Status()
	case errors.Is(err, errUsage):
		return exitUsage
	}
	return exitFailed
}
