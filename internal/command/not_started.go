package command

import (
	"errors"
	"io/fs"
	"os/exec"
)

// NotStarted is the error of a program that cannot be run.
type NotStarted struct {
	Name string
	Err  error
}

// Error is the program's name and why it cannot be run.
func (e *NotStarted) Error() string { return e.Name + ": " + e.Err.Error() }

// Unwrap is why.
func (e *NotStarted) Unwrap() error { return e.Err }

// Status is the exit code of who was to run it, as env(1), nohup(1) and shells have it: 127 if
// there is no such program, 126 if it cannot be run.
func (e *NotStarted) Status() int {
	if errors.Is(e.Err, exec.ErrNotFound) || errors.Is(e.Err, fs.ErrNotExist) {
		return 127
	}
	return 126
}

// notStarted takes from an error what the library says of its own doings.
func notStarted(name string, err error) error {
	var lookup *exec.Error
	var path *fs.PathError
	switch {
	case errors.As(err, &lookup):
		err = lookup.Err
	case errors.As(err, &path):
		err = path.Err
	}
	return &NotStarted{name, err}
}
