package child

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

// What a load generator and its parent say, in this order.
const (
	sayReady = "ready" // the child: it is warmed up
	sayGo    = "go"    // the parent: the window opens
	sayDone  = "done"  // the child: the window is over
	sayEnd   = "end"   // the parent: close what is open, and end
)

// Control is the load generator's end of the socket by which its parent opens and closes the
// measured window.
type Control struct {
	file    *os.File
	lines   *bufio.Reader
	release func() bool
	end     chan struct{} // closed by Close
}

// OpenControl takes an inherited descriptor over. When ctx is done, whatever waits for it fails.
// Until it is closed the process dies with parent, if that is not 0.
func OpenControl(ctx context.Context, fd, parent int) (*Control, error) {
	if err := Adopt(fd); err != nil {
		return nil, err
	}
	// A deadline works only on a descriptor that does not block.
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	f := os.NewFile(uintptr(fd), "control")
	if err := f.SetDeadline(time.Time{}); err != nil {
		f.Close()
		return nil, errors.New("not a socket")
	}
	c := &Control{file: f, lines: bufio.NewReader(f), end: make(chan struct{})}
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

// Begin says that the load is warmed up, and waits for the window to be opened.
func (c *Control) Begin() error { return c.ask(sayReady, sayGo) }

// Done says that the window is over, and waits for leave to end.
func (c *Control) Done() error { return c.ask(sayDone, sayEnd) }

// ask says a word and waits for its answer.
func (c *Control) ask(word, answer string) error {
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

// Close releases the descriptor, and the process from its parent.
func (c *Control) Close() {
	c.release()
	close(c.end)
	c.file.Close()
}
