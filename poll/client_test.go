package poll

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"testing"
)

// client is a connection with deadlines that end a test, not a run.
type client struct {
	*net.TCPConn
	t testing.TB
	r *bufio.Reader
}

func (r *running) dial() *client {
	r.t.Helper()
	c := r.Dial()
	return &client{TCPConn: c, t: r.t, r: bufio.NewReader(c)}
}

func (c *client) send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatal(err)
	}
}

// head reads a reply's head and returns its status and length.
func (c *client) head() (status, length int, err error) {
	if _, err := fmt.Fscanf(c.r, "HTTP/1.1 %d", &status); err != nil {
		return 0, 0, err
	}
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			return 0, 0, err
		}
		if line == "\r\n" {
			return status, length, nil
		}
		fmt.Sscanf(line, "Content-Length: %d", &length)
	}
}

// reply reads a reply to "/".
func (c *client) reply() error {
	status, length, err := c.head()
	if err != nil {
		return err
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(c.r, body); err != nil {
		return err
	}
	if status != 200 || string(body) != wantBody {
		return fmt.Errorf("reply %d %q", status, body)
	}
	return nil
}

func (c *client) get() {
	c.t.Helper()
	c.send(request)
	if err := c.reply(); err != nil {
		c.t.Fatal(err)
	}
}
