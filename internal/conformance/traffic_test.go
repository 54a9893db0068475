package conformance

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"switchyard"
	"switchyard/internal/testenv"
	"switchyard/internal/testenv/testserver"
)

// Clients that behave.
var trafficCases = []conformanceCase{
	{"clients at once", func(t *testing.T, m switchyard.Model) {
		eachProtocol(t, func(t *testing.T, p switchyard.Protocol) { clientsAtOnce(t, m, p) })
	}},
	{"more clients than capacity", func(t *testing.T, m switchyard.Model) {
		eachProtocol(t, func(t *testing.T, p switchyard.Protocol) { moreThanCapacity(t, m, p) })
	}},
	{"byte by byte", byteByByte},
	{"pipelined", pipelined},
	{"echo in pieces", echoInPieces},
	{"idle connections", idleConnections},
	{"slow reader", slowReader},
	{"work and sleep", workAndSleep},
	{"versions and keep-alive", versions},
	{"net/http client", goClient},
	{"task names", taskNames},
}

// All clients hold their connections while each of them exchanges requests, and the counts are
// exact.
func clientsAtOnce(t *testing.T, m switchyard.Model, p switchyard.Protocol) {
	s := serve(t, m, switchyard.Options{Protocol: p})
	n, rounds := s.clients(24), 15
	clients := make([]*client, n)
	for i := range clients {
		clients[i] = s.dial()
		// Each is served before the next one comes, so all are held.
		if err := clients[i].exchange(p, i); err != nil {
			t.Fatalf("client %d of %d: %v", i, n, err)
		}
	}
	var all sync.WaitGroup
	for i, c := range clients {
		all.Go(func() {
			for round := 1; round < rounds; round++ {
				if err := c.exchange(p, i+round*1000); err != nil {
					t.Errorf("client %d of %d, request %d: %v", i, n, round, err)
					return
				}
			}
			c.Close()
		})
	}
	all.Wait()
	testenv.Eventually(t, "all connections closed", func() bool {
		return s.counts.Closed.Load() == uint64(n)
	})
	if got := s.counts.Accepted.Load(); got != uint64(n) {
		t.Errorf("%d connections accepted, want %d", got, n)
	}
	if got := s.counts.Requests.Load(); got != uint64(n*rounds) && p == switchyard.HTTP {
		t.Errorf("%d requests counted, want %d", got, n*rounds)
	} else if got < uint64(n*rounds) { // a message may be read in two parts
		t.Errorf("%d requests counted, want at least %d", got, n*rounds)
	}
}

func moreThanCapacity(t *testing.T, m switchyard.Model, p switchyard.Protocol) {
	s := serve(t, m, switchyard.Options{Protocol: p, Workers: 3})
	const n = 40
	var all sync.WaitGroup
	for i := range n {
		c := s.dial()
		all.Go(func() {
			defer c.Close()
			if err := c.exchange(p, i); err != nil {
				t.Errorf("client %d of %d: %v", i, n, err)
			}
		})
	}
	all.Wait()
	testenv.Eventually(t, "all connections closed", func() bool {
		return s.counts.Closed.Load() == n
	})
	if got := s.counts.Requests.Load(); got != n {
		t.Errorf("%d requests counted, want %d", got, n)
	}
}

func byteByByte(t *testing.T, m switchyard.Model) {
	s := serve(t, m, switchyard.Options{})
	c := s.dial()
	for range 2 {
		for _, b := range []byte("POST /bytes?n=7 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc") {
			c.send(string(b))
			testenv.Eventually(t, "it has arrived, alone", func() bool {
				return testserver.Taken(c)
			})
		}
		if _, body := c.want(200); len(body) != 7 {
			t.Fatalf("%d bytes, want 7", len(body))
		}
	}
}

func pipelined(t *testing.T, m switchyard.Model) {
	s := serve(t, m, switchyard.Options{})
	const n = 100
	var requests []byte
	for i := range n {
		requests = fmt.Appendf(requests, "GET /bytes?n=%d HTTP/1.1\r\nHost: a\r\n\r\n", 10*i)
	}
	total := 0
	for _, sizes := range [][]int{{len(requests)}, {1, 7, 64, 333, 2, 1500}} {
		c := s.dial()
		sent := c.inPieces(requests, sizes...)
		for i := range n {
			if _, body := c.want(200); len(body) != 10*i {
				t.Fatalf("pieces of %v: reply %d has %d bytes, want %d", sizes, i, len(body), 10*i)
			}
		}
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
		c.Close()
		total += n
	}
	testenv.Eventually(t, "both connections closed", func() bool {
		return s.counts.Closed.Load() == 2
	})
	if got := s.counts.Requests.Load(); got != uint64(total) {
		t.Errorf("%d requests counted, want %d", got, total)
	}
}

func echoInPieces(t *testing.T, m switchyard.Model) {
	s := serve(t, m, switchyard.Options{Protocol: switchyard.Echo})
	data := make([]byte, 1<<20)
	for i := range data {
		data[i] = byte(i * i >> 8)
	}
	c := s.dial()
	sent := c.inPieces(data, 1, 100, 70_000, 16<<10, 16<<10+1, 300_000)
	got := make([]byte, len(data))
	if n, err := io.ReadFull(c.r, got); err != nil {
		t.Fatalf("after %d bytes: %v", n, err)
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, data) {
		t.Error("what came back is not what was sent")
	}
	// The client may close its half first.
	c.send("the last")
	c.CloseWrite()
	if rest, err := io.ReadAll(c.r); string(rest) != "the last" || err != nil {
		t.Errorf("after half a close: %q, %v", rest, err)
	}
}

// As many connections as can be idle do not keep one more from being served.
func idleConnections(t *testing.T, m switchyard.Model) {
	s := serve(t, m, switchyard.Options{})
	idle := s.clients(20) - 1
	for i := range idle {
		c := s.dial()
		if i%2 == 0 { // half of them have been served once
			c.send(getRoot)
			c.wantRoot()
		}
	}
	testenv.Eventually(t, "idle connections accepted", func() bool {
		return s.counts.Accepted.Load() == uint64(idle)
	})
	for range 3 {
		c := s.dial()
		c.send(getRoot)
		c.wantRoot()
		c.Close()
		testenv.Eventually(t, "connection closed", func() bool { return s.counts.Active() == idle })
	}
}

// A client that does not read its long reply keeps nobody else waiting, and gets every byte when it
// reads at last.
func slowReader(t *testing.T, m switchyard.Model) {
	s := serve(t, m, switchyard.Options{})
	const n = 12 << 20 // more than the sockets' buffers hold
	slow := s.dial()
	slow.SetReadBuffer(64 << 10)
	slow.send(fmt.Sprintf("GET /bytes?n=%d HTTP/1.1\r\nHost: a\r\n\r\n", n))
	if _, err := slow.r.Peek(1); err != nil {
		t.Fatal(err)
	}
	if s.together > 1 {
		for range 3 {
			c := s.dial()
			for range 5 {
				c.send(getRoot)
				c.wantRoot()
			}
			c.Close()
		}
	}
	resp, err := http.ReadResponse(slow.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.Copy(io.Discard, resp.Body)
	if err != nil || got != n {
		t.Fatalf("%d bytes, want %d; %v", got, n, err)
	}
	slow.send(getRoot)
	slow.wantRoot()
}

func workAndSleep(t *testing.T, m switchyard.Model) {
	s := serve(t, m, switchyard.Options{})
	c := s.dial()
	start := time.Now()
	c.send("GET /sleep?ms=40 HTTP/1.1\r\n\r\nGET /work?us=500 HTTP/1.1\r\n\r\n")
	if _, body := c.want(200); string(body) != "slept\n" {
		t.Errorf("body %q", body)
	}
	if d := time.Since(start); d < 40*time.Millisecond {
		t.Errorf("slept %v, want 40 ms", d)
	}
	if _, body := c.want(200); string(body) != "worked\n" {
		t.Errorf("body %q", body)
	}
	// What was asked for before a sleep does not wait for it.
	start = time.Now() // before it is sent: the server may be asleep when send returns
	c.send(getRoot + "GET /sleep?ms=300 HTTP/1.1\r\n\r\n" + getRoot)
	c.wantRoot()
	early := time.Since(start)
	c.want(200)
	c.wantRoot()
	// One that waited for it came after it, however fast the machine.
	if all := time.Since(start); all < 300*time.Millisecond || early >= 300*time.Millisecond {
		t.Errorf("the reply before a sleep of 300 ms came after %v, the one after it after %v",
			early, all)
	}
}

func versions(t *testing.T, m switchyard.Model) {
	s := serve(t, m, switchyard.Options{})
	for _, test := range []struct {
		request, connection string
		stays               bool
	}{
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "", true},
		{"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "close", false},
		{"GET / HTTP/1.0\r\n\r\n", "close", false},
		{"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "keep-alive", true},
		{"GET /bytes?n=200000 HTTP/1.0\r\n\r\n", "close", false},
		{"GET /nothing HTTP/1.1\r\n\r\n", "", true},
	} {
		c := s.dial()
		c.send(test.request)
		resp, body, err := c.reply()
		if err != nil {
			t.Fatalf("%q: %v", test.request, err)
		}
		if got := resp.Header.Get("Connection"); got != test.connection &&
			!(test.connection == "close" && resp.Close) {
			t.Errorf("%q: Connection: %s, want %q", test.request, got, test.connection)
		}
		if resp.ContentLength != int64(len(body)) {
			t.Errorf("%q: %d bytes, Content-Length %d", test.request, len(body), resp.ContentLength)
		}
		if test.stays {
			c.send(getRoot)
			c.wantRoot()
		} else {
			c.wantCleanEnd()
		}
		c.Close()
	}
}

func goClient(t *testing.T, m switchyard.Model) {
	s := serve(t, m, switchyard.Options{})
	transport := &http.Transport{MaxConnsPerHost: s.clients(4), ExpectContinueTimeout: patience}
	defer transport.CloseIdleConnections()
	web := &http.Client{Transport: transport, Timeout: patience}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for _, test := range []struct {
				method, path, body, expect string
				status                     int
				size                       int64
			}{
				{"GET", "/", "", "", 200, 15},
				{"GET", "/bytes?n=0", "", "", 200, 0},
				{"GET", "/bytes?n=1000000", "", "", 200, 1_000_000},
				{"HEAD", "/bytes?n=1000000", "", "", 200, 0},
				{"POST", "/", strings.Repeat("x", 100_000), "", 200, 15},
				{"PUT", "/", strings.Repeat("x", 100_000), "100-continue", 200, 15},
				{"GET", "/work?us=50", "", "", 200, 7},
				{"GET", "/sleep?ms=1", "", "", 200, 6},
				{"GET", "/nothing", "", "", 404, -1},
				{"GET", "/bytes?n=x", "", "", 400, -1},
			} {
				req, err := http.NewRequest(test.method, "http://"+s.addr.String()+test.path,
					strings.NewReader(test.body))
				if err != nil {
					t.Error(err)
					return
				}
				if test.expect != "" {
					req.Header.Set("Expect", test.expect)
				}
				resp, err := web.Do(req)
				if err != nil {
					t.Errorf("%s %s: %v", test.method, test.path, err)
					return
				}
				n, err := io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if err != nil || resp.StatusCode != test.status || test.size >= 0 &&
					n != test.size {
					t.Errorf("%s %s: %s, %d bytes, %v", test.method, test.path, resp.Status, n, err)
				}
			}
		})
	}
	all.Wait()
}
