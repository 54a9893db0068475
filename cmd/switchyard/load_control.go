package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// control is the load generator's end of a stream socket by which the process
// that started it opens and closes the measured window. Each side says a word
// in a line of its own: ready, and waits for go; done, and waits for end. The
// end of the stream ends the run.
type control struct {
	file    *os.File
	lines   *bufio.Reader
	release func() bool
}

// openControl takes fd over. When ctx is done, whatever waits for it fails.
func openControl(ctx context.Context, fd int) (*control, error) {
	if err := adopt(fd); err != nil {
		return nil, usagef("--control-fd %d: %v", fd, err)
	}
	// A deadline works only on a descriptor that does not block.
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, usagef("--control-fd %d: %v", fd, os.NewSyscallError("fcntl", err))
	}
	f := os.NewFile(uintptr(fd), "control")
	if err := f.SetDeadline(time.Time{}); err != nil {
		f.Close()
		return nil, usagef("--control-fd %d: not a socket", fd)
	}
	c := &control{file: f, lines: bufio.NewReader(f)}
	c.release = context.AfterFunc(ctx, func() { f.SetDeadline(time.Unix(1, 0)) })
	return c, nil
}

// ask says a word and waits for its answer.
func (c *control) ask(word, answer string) error {
	if _, err := io.WriteString(c.file, word+"\n"); err != nil {
		return fmt.Errorf("say %s: %w", word, err)
	}
	line, err := c.lines.ReadString('\n')
	switch {
	case errors.Is(err, io.EOF):
		return fmt.Errorf("wait for %s: the process that controls this run is gone", answer)
	case err != nil:
		return fmt.Errorf("wait for %s: %w", answer, err)
	case line != answer+"\n":
		return fmt.Errorf("wait for %s: got %q", answer, line)
	}
	return nil
}

func (c *control) close() {
	c.release()
	c.file.Close()
}
