package main

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Env is everything the program takes from the process around it, so that a
// test runs a whole command in its own process.
type Env struct {
	Args           []string // without the program's name
	Stdin          io.Reader
	Stdout         io.Writer           // results, and nothing else
	Stderr         io.Writer           // everything else
	Getenv         func(string) string // nil: no variable is set
	StdoutTerminal bool
	StderrTerminal bool // a progress bar may be drawn
	// Interrupts delivers what asks the program to end. nil stands for the
	// process's own (endings).
	Interrupts <-chan os.Signal
}

// ProcessEnv is the Env of the running process.
func ProcessEnv() Env {
	return Env{
		Args:           os.Args[1:],
		Stdin:          os.Stdin,
		Stdout:         os.Stdout,
		Stderr:         os.Stderr,
		Getenv:         os.Getenv,
		StdoutTerminal: terminal(1),
		StderrTerminal: terminal(2),
	}
}

// terminal reports whether fd is a terminal: only those have a window size
// (ioctl_tty(2), TIOCGWINSZ).
func terminal(fd int) bool {
	_, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
	return err == nil
}

// interrupts starts to deliver what asks the program to end, and other signals.
// Until stop is called they no longer end the process by themselves.
func (e Env) interrupts(others ...os.Signal) (ch <-chan os.Signal, stop func()) {
	if e.Interrupts != nil {
		return e.Interrupts, func() {}
	}
	return catch(others...)
}
