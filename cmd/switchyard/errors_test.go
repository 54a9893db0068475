package main

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"switchyard/internal/command"
)

func TestExitCode(t *testing.T) {
	for want, err := range map[int]error{
		exitDone: nil, exitFailed: errors.New("x"), exitUsage: fmt.Errorf("y: %w", usagef("x")),
		7:   exitStatus(7),
		126: &command.NotStarted{Name: "x", Err: fs.ErrPermission},
		127: fmt.Errorf("y: %w", &command.NotStarted{Name: "x", Err: fs.ErrNotExist}),
	} {
		if got := exitCode(err); got != want {
			t.Errorf("%v: %d, want %d", err, got, want)
		}
	}
}
