package conformance

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/testenv"
)

// What the kernel had delivered when the server was told to end.
var drainCases = []conformanceCase{
	{"drain of what was delivered", drainDelivered},
	{"drain of a full server", drainFull},
	{"drain of a long pipeline", func(t *testing.T, m switchyard.Model) {
		eachProtocol(t, func(t *testing.T, p switchyard.Protocol) { drainPipeline(t, m, p) })
	}},
}

// delivered waits until the other end's kernel has acknowledged all that was sent: it is in the
// queue of the server's socket, which may itself be in the accept queue.
func (c *client) delivered() {
	c.t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		c.t.Fatal(err)
	}
	testenv.Eventually(c.t, "all that was sent is delivered", func() bool {
		left := -1
		if e := raw.Control(func(fd uintptr) {
			left, err = unix.IoctlGetInt(int(fd), unix.TIOCOUTQ)
		}); e != nil || err != nil {
			c.t.Fatal(e, err)
		}
		return left == 0
	})
}

// held returns n clients that the server serves at the same moment, and has answered once.
func (s *testServer) held(n int) []*client {
	s.t.Helper()
	list := make([]*client, s.clients(n))
	for i := range list {
		list[i] = s.dial()
		list[i].send(getRoot)
		list[i].wantRoot()
	}
	return list
}

// sleep keeps whoever serves the client busy, and returns when that has begun to.
func (c *client) sleep(ms int) {
	c.t.Helper()
	c.send(getRoot + fmt.Sprintf("GET /sleep?ms=%d HTTP/1.1\r\n\r\n", ms))
	c.wantRoot() // which does not wait for the sleep
}

// drainAnswered ends the server with requests of all of clients delivered, one each: as many as
// that are answered.
func (s *testServer) drainAnswered(clients []*client) {
	s.t.Helper()
	for _, c := range clients {
		c.delivered()
	}
	s.Cancel()
	answered := 0
	for i, c := range clients {
		resp, _, err := c.reply()
		if err != nil || resp.StatusCode != 200 {
			s.t.Errorf("client %d of %d: %v, %v", i, len(clients), resp, err)
			continue
		}
		answered++
		c.wantCleanEnd()
	}
	if answered != len(clients) {
		s.t.Errorf("%d requests were delivered, %d are answered", len(clients), answered)
	}
	if err := s.Wait(); err != nil {
		s.t.Errorf("serve: %v", err)
	}
	if !refused(s.addr) {
		s.t.Error("connections are still taken")
	}
}

// Each request that had arrived is answered: on connections that are served, and on those that
// nobody has accepted.
func drainDelivered(t *testing.T, m switchyard.Model) {
	s := serve(t, m, switchyard.Options{Workers: 4, Grace: patience})
	clients := s.held(4)  // a pool has no worker left
	clients[0].sleep(200) // a loop serves nobody meanwhile
	for _, c := range clients[1:] {
		c.send(getRoot)
	}
	for range 12 {
		c := s.dial()
		c.send(getRoot)
		clients = append(clients, c)
	}
	s.drainAnswered(clients)
}

// The same where the connections that wait are more than may be served at once.
func drainFull(t *testing.T, m switchyard.Model) {
	s := serve(t, m, switchyard.Options{Workers: 2, MaxConns: 2, Grace: patience})
	clients := s.held(2)
	clients[0].sleep(100)
	for _, c := range clients[1:] {
		c.send(getRoot)
	}
	for range 12 {
		c := s.dial()
		c.send(getRoot)
		clients = append(clients, c)
	}
	s.drainAnswered(clients)
}

// All of a pipeline that had arrived is answered, though it takes several reads, each of which ends
// where a request does.
func drainPipeline(t *testing.T, m switchyard.Model, p switchyard.Protocol) {
	const (
		line = "GET / HTTP/1.1\r\nHost: abcdef\r\n\r\n"
		n    = 6 * switchyard.InSize / len(line)
	)
	if switchyard.InSize%len(line) != 0 {
		t.Fatalf("a request of %d bytes does not end with a read of %d", len(line),
			switchyard.InSize)
	}
	s := serve(t, m, switchyard.Options{Protocol: p, Grace: patience})
	c := s.dial()
	if err := c.exchange(p, 1); err != nil {
		t.Fatal(err)
	}
	if p == switchyard.HTTP {
		c.sleep(100)
	}
	c.send(strings.Repeat(line, n))
	c.delivered()
	s.Cancel()
	if p == switchyard.HTTP {
		c.want(200)
		for i := range n {
			if _, body, err := c.reply(); err != nil || string(body) != "one more served" {
				t.Fatalf("reply %d of %d: %q, %v", i, n, body, err)
			}
		}
	} else if _, err := io.ReadFull(c.r, make([]byte, n*len(line))); err != nil {
		t.Fatal(err)
	}
	c.wantCleanEnd()
	if err := s.Wait(); err != nil {
		t.Errorf("serve: %v", err)
	}
}
