package conformance

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"switchyard"
	"switchyard/internal/testenv"
)

// Clients that do not behave. After each of them the server serves the next.
var hostileCases = []conformanceCase{
	{"reset in mid-request", resetInRequest},
	{"reset in mid-reply", resetInReply},
	{"reset of an idle connection", func(t *testing.T, m switchyard.Model) {
		eachProtocol(t, func(t *testing.T, p switchyard.Protocol) { resetIdle(t, m, p) })
	}},
	{"end in mid-request", endInRequest},
	{"garbage", garbage},
	{"oversized", oversized},
	{"hidden request", hiddenRequest},
	{"error replies arrive whole", errorReplies},
}

// reset closes the connection so that the server gets RST, not FIN.
func (c *client) reset() {
	c.SetLinger(0)
	c.Close()
}

// stillServes makes one exchange on a new connection.
func (s *testServer) stillServes() {
	s.t.Helper()
	c := s.dial()
	if err := c.exchange(s.opts.Protocol, 100); err != nil {
		s.t.Fatalf("the next client: %v", err)
	}
	c.Close()
}

func resetInRequest(t *testing.T, m switchyard.Model) {
	s := serve(t, m, switchyard.Options{})
	for _, part := range []string{"", "G", "GET / HTTP/1.1\r\nHos",
		"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc", getRoot} {
		c := s.dial()
		c.send(part)
		c.reset()
		s.stillServes()
	}
}

func resetInReply(t *testing.T, m switchyard.Model) {
	s := serve(t, m, switchyard.Options{})
	for _, request := range []string{
		"GET /bytes?n=20000000 HTTP/1.1\r\n\r\n",
		strings.Repeat("GET /bytes?n=100000 HTTP/1.1\r\n\r\n", 200),
		"GET /sleep?ms=20 HTTP/1.1\r\n\r\nGET /bytes?n=1000000 HTTP/1.1\r\n\r\n",
	} {
		c := s.dial()
		c.send(request)
		if _, err := c.r.ReadByte(); err != nil {
			t.Fatal(err)
		}
		c.reset()
		s.stillServes()
	}
	// And before the reply begins.
	c := s.dial()
	c.send("GET /sleep?ms=20 HTTP/1.1\r\n\r\nGET /bytes?n=1000000 HTTP/1.1\r\n\r\n")
	c.reset()
	s.stillServes()
}

func resetIdle(t *testing.T, m switchyard.Model, p switchyard.Protocol) {
	s := serve(t, m, switchyard.Options{Protocol: p})
	for i := range 3 {
		c := s.dial()
		if err := c.exchange(p, i); err != nil {
			t.Fatal(err)
		}
		c.reset()
	}
	s.stillServes()
	testenv.Eventually(t, "all connections closed", func() bool {
		return s.counts.Closed.Load() == 4
	})
}

func endInRequest(t *testing.T, m switchyard.Model) {
	s := serve(t, m, switchyard.Options{})
	for _, part := range []string{"", "GET / HTT", "GET / HTTP/1.1\r\nHost: a\r\n",
		"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc"} {
		c := s.dial()
		c.send(part)
		c.CloseWrite()
		c.wantCleanEnd()
		c.Close()
	}
	// A whole request before the end is answered.
	c := s.dial()
	c.send(getRoot + "GET /bytes?n=300000 HTTP/1.1\r\n\r\n")
	c.CloseWrite()
	c.wantRoot()
	if _, body := c.want(200); len(body) != 300_000 {
		t.Errorf("%d bytes, want 300000", len(body))
	}
	c.wantCleanEnd()
	c.Close()
	s.stillServes()
}

func garbage(t *testing.T, m switchyard.Model) {
	s := serve(t, m, switchyard.Options{})
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 12 {
		data := make([]byte, 1+random.IntN(40_000))
		for j := range data {
			data[j] = byte(random.Uint32())
		}
		data = append(data, "\r\n\r\n"...)
		if i == 0 { // the hello of TLS
			data = []byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n")
		}
		c := s.dial()
		sent := c.inPieces(data, 5000, 1, 20_000)
		resp, _, err := c.reply()
		if err != nil {
			t.Fatalf("garbage %d: %v", i, err)
		}
		if resp.StatusCode != 400 && resp.StatusCode != 431 || !resp.Close {
			t.Errorf("garbage %d: %s, close %v", i, resp.Status, resp.Close)
		}
		c.wantCleanEnd()
		<-sent
		c.Close()
	}
	s.stillServes()
}

func oversized(t *testing.T, m switchyard.Model) {
	s := serve(t, m, switchyard.Options{})
	post := func(n int) string {
		return fmt.Sprintf("POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n", n) +
			strings.Repeat("b", n)
	}
	for _, test := range []struct {
		name, request string
		status        int
	}{
		{"a head larger than any buffer", "GET / HTTP/1.1\r\nCookie: " + strings.Repeat("c",
			300_000) + "\r\n\r\n", 431},
		{"an endless line", strings.Repeat("l", 300_000), 431},
		{"many headers", "GET / HTTP/1.1\r\n" + strings.Repeat("A: b\r\n", 50_000) + "\r\n", 431},
		{"the largest body", post(switchyard.MaxBody), 200},
		{"a body beyond the limit", post(switchyard.MaxBody + 1), 413},
		{"a body far beyond the limit", post(3 * switchyard.MaxBody), 413},
	} {
		c := s.dial()
		sent := c.inPieces([]byte(test.request), 100_000, 10_000)
		resp, body, err := c.reply()
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		if resp.StatusCode != test.status || int64(len(body)) != resp.ContentLength {
			t.Errorf("%s: %s, want %d; %d bytes of %d", test.name, resp.Status, test.status,
				len(body), resp.ContentLength)
		}
		if test.status != 200 {
			c.wantCleanEnd()
		}
		if err := <-sent; err != nil {
			t.Errorf("%s: the server stopped reading: %v", test.name, err)
		}
		if test.status == 200 {
			c.send(getRoot)
			c.wantRoot()
		}
		c.Close()
	}
}

// A body that is a request itself must not be served as one, and the reply says that nothing more
// is read. package switchyard's framing_test.go has every way to hide one; these are those that
// depend on how a connection is read and ended.
func hiddenRequest(t *testing.T, m switchyard.Model) {
	s := serve(t, m, switchyard.Options{})
	hidden := "GET /bytes?n=7 HTTP/1.1\r\nHost: a\r\n\r\n"
	for _, test := range []struct {
		head   string
		status int
	}{
		{"Content-Length: " + strings.Repeat("0", 600) + fmt.Sprint(len(hidden)), 431},
		{"Content-Length: " + fmt.Sprint(len(hidden)) + "\r\nContent-Length: 0", 400},
		{"Transfer-Encoding: chunked\r\nContent-Length: " + fmt.Sprint(len(hidden)), 400},
		{"Transfer-Encoding: chunked", 501},
		{"A: b\x00c", 400},
	} {
		c := s.dial()
		sent := c.inPieces([]byte("POST / HTTP/1.1\r\n"+test.head+"\r\n\r\n"+hidden), 7, 100, 1)
		if resp, _, err := c.reply(); err != nil {
			t.Errorf("%.40q: %v", test.head, err)
		} else if resp.StatusCode != test.status || !resp.Close {
			t.Errorf("%.40q: %s, close %v; want %d", test.head, resp.Status, resp.Close,
				test.status)
		}
		c.wantCleanEnd()
		<-sent
		c.Close()
	}
	s.stillServes()
}

// A connection that the server closes with input still coming must not be reset before the client
// has read why.
func errorReplies(t *testing.T, m switchyard.Model) {
	s := serve(t, m, switchyard.Options{})
	for _, request := range []string{
		"NONSENSE\r\n\r\n" + strings.Repeat("x", 200_000),
		"GET / HTTP/1.1\r\nConnection: close\r\n\r\n" + strings.Repeat(getRoot, 2000),
		"GET /bytes?n=9999999999 HTTP/1.1\r\n\r\n" + strings.Repeat("y", 50_000),
	} {
		c := s.dial()
		sent := c.inPieces([]byte(request), 1000, 30_000)
		if _, _, err := c.reply(); err != nil {
			t.Errorf("%.20q: %v", request, err)
		}
		c.wantCleanEnd()
		<-sent
		c.Close()
	}
	testenv.Eventually(t, "all connections closed", func() bool {
		return s.counts.Closed.Load() == 3
	})
}
