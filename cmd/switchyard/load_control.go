package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// control is the load generator's end of a stream socket by which the process
// that started it opens and closes the measured window. Each side says a word
// in a line of its own: ready, and waits for go; done, and waits for end. The
// end of the stream ends the run, and the end of the parent ends the process.
type control struct {
	file    *os.File
	lines   *bufio.Reader
	release func() bool
	end     chan struct{} // closed by close
}

// openControl takes fd over. When ctx is done, whatever waits for it fails. Until
// it is closed the process dies with parent, if that is not 0.
func openControl(ctx context.Context, fd, parent int) (*control, error) {
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
	c := &control{file: f, lines: bufio.NewReader(f), end: make(chan struct{})}
	if parent != 0 {
		go func() {
			runtime.LockOSThread() // never unlocked: it is over with the thread
			dieWith(parent)
			<-c.end
		}()
	}
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
	close(c.end)
	c.file.Close()
}
