package conformance

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"switchyard"
)

// client is one raw connection to a server.
type client struct {
	t testing.TB
	*net.TCPConn
	r *bufio.Reader
}

// dial connects; the connection is closed at the test's end at the latest.
func dial(t testing.TB, addr netip.AddrPort) *client {
	t.Helper()
	c, err := net.DialTCP("tcp", nil, net.TCPAddrFromAddrPort(addr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return &client{t: t, TCPConn: c, r: bufio.NewReader(c)}
}

func (s *testServer) dial() *client {
	s.t.Helper()
	return dial(s.t, s.addr)
}

func (c *client) send(data string) {
	c.t.Helper()
	c.SetDeadline(time.Now().Add(patience)) // for this step: a conversation may have a hundred
	if _, err := io.WriteString(c, data); err != nil {
		c.t.Fatalf("send %.40q: %v", data, err)
	}
}

// reply is one whole HTTP reply.
func (c *client) reply() (*http.Response, []byte, error) {
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return nil, nil, err
	}
	body, err := io.ReadAll(resp.Body)
	return resp, body, err
}

// want reads a reply, which must have the status.
func (c *client) want(status int) (*http.Response, []byte) {
	c.t.Helper()
	resp, body, err := c.reply()
	if err != nil {
		c.t.Fatalf("reply: %v", err)
	}
	if resp.StatusCode != status {
		c.t.Fatalf("status %s, want %d", resp.Status, status)
	}
	return resp, body
}

func (c *client) wantRoot() {
	c.t.Helper()
	if _, body := c.want(200); string(body) != "one more served" {
		c.t.Fatalf("body %q", body)
	}
}

// wantEnd reads the end of the connection, or what stands for it where bytes on the way may have
// been dropped.
func (c *client) wantEnd() {
	c.t.Helper()
	if b, err := c.r.ReadByte(); err == nil {
		c.t.Fatalf("byte %q, want the end", b)
	} else if isTimeout(err) {
		c.t.Fatal("the connection stays open, want the end")
	}
}

// wantCleanEnd is wantEnd, and a reset will not do.
func (c *client) wantCleanEnd() {
	c.t.Helper()
	if b, err := c.r.ReadByte(); err != io.EOF {
		c.t.Fatalf("byte %q, error %v; want the end", b, err)
	}
}

func isTimeout(err error) bool {
	e, ok := err.(net.Error)
	return ok && e.Timeout()
}

// silent reports whether nothing comes for d.
func (c *client) silent(d time.Duration) bool {
	c.SetReadDeadline(time.Now().Add(d))
	_, err := c.r.Peek(1)
	c.SetDeadline(time.Now().Add(patience))
	return err != nil && isTimeout(err)
}

// exchange is one request and its reply: number i of this client.
func (c *client) exchange(p switchyard.Protocol, i int) error {
	if p == switchyard.Echo {
		sent := fmt.Appendf(nil, "message %d of some length\n", i)
		if _, err := c.Write(sent); err != nil {
			return err
		}
		got := make([]byte, len(sent))
		if _, err := io.ReadFull(c.r, got); err != nil {
			return err
		}
		if !bytes.Equal(got, sent) {
			return fmt.Errorf("sent %q, got %q", sent, got)
		}
		return nil
	}
	if _, err := fmt.Fprintf(c, "GET /bytes?n=%d HTTP/1.1\r\nHost: a\r\n\r\n", i); err != nil {
		return err
	}
	resp, body, err := c.reply()
	if err != nil {
		return err
	}
	if resp.StatusCode != 200 || len(body) != i {
		return fmt.Errorf("asked for %d bytes, got %s and %d", i, resp.Status, len(body))
	}
	return nil
}

const getRoot = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

// inPieces sends data in pieces of the given sizes, over and over, while it is read from elsewhere.
// What went wrong is sent on the channel.
func (c *client) inPieces(data []byte, sizes ...int) <-chan error {
	result := make(chan error, 1)
	go func() {
		for i := 0; len(data) > 0; i++ {
			n := min(sizes[i%len(sizes)], len(data))
			if _, err := c.Write(data[:n]); err != nil {
				result <- err
				return
			}
			data = data[n:]
		}
		result <- nil
	}()
	return result
}

// eachProtocol runs the test with both.
func eachProtocol(t *testing.T, run func(t *testing.T, p switchyard.Protocol)) {
	for _, p := range []switchyard.Protocol{switchyard.HTTP, switchyard.Echo} {
		t.Run(p.String(), func(t *testing.T) { run(t, p) })
	}
}
