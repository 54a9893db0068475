package load

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestErrorKinds(t *testing.T) {
	status := func(line string) func(int) string {
		return func(int) string { return "HTTP/1.1 " + line + "\r\nContent-Length: 0\r\n\r\n" }
	}
	for name, c := range map[string]struct {
		f    func(*server, net.Conn)
		kind Kind
	}{
		"status 404": {answering(status("404 Not Found")), Status4xx},
		"status 503": {answering(status("503 Busy")), Status5xx},
		"status 302": {answering(status("302 Found")), Status3xx},
		"status 101": {answering(status("101 Switching Protocols")), Status1xx},
		"closed":     {answering(func(int) string { return "" }), ClosedEarly},
		"garbage": {answering(func(int) string {
			return "220 smtp ready\r\n"
		}), BadResponse},
		"more than was promised": {answering(func(int) string {
			return okReply + "!"
		}), BadResponse},
		"reset": {func(s *server, c net.Conn) {
			if readRequest(bufio.NewReader(c)) == nil {
				c.(*net.TCPConn).SetLinger(0)
			}
		}, Reset},
		"silence": {func(s *server, c net.Conn) { io.Copy(io.Discard, c) }, Timeout},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, c.f)
			cfg := Config{Target: "http://" + s.addr + "/"}
			if c.kind == Timeout {
				cfg.Timeout, cfg.ConnectTimeout, cfg.Duration = 100*time.Millisecond, 5*time.Second,
					500*time.Millisecond
			}
			r := run(t, cfg)
			if n := only(t, r, c.kind); n == 0 {
				t.Errorf("no error of kind %s", c.kind)
			}
			if r.Requests != 0 {
				t.Errorf("%d requests were good", r.Requests)
			}
		})
	}
}

func TestResponseCutShortIsAnError(t *testing.T) {
	s := serve(t, func(s *server, c net.Conn) {
		if readRequest(bufio.NewReader(c)) == nil {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
		}
	})
	only(t, run(t, Config{Target: "http://" + s.addr + "/"}), ClosedEarly)
}

func TestErrorsAndAnswersAreToldApart(t *testing.T) {
	var n atomic.Int64
	s := serve(t, answering(func(int) string {
		if n.Add(1)%5 == 0 {
			return "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
		}
		return okReply
	}))
	r := run(t, Config{Target: "http://" + s.addr + "/", Clients: 1})
	if e := only(t, r, Status5xx); e != uint64(n.Load())/5 || r.Answered() != uint64(n.Load()) {
		t.Errorf("%d errors and %d answers of %d requests", e, r.Answered(), n.Load())
	}
}

func TestServerThatClosesBetweenRequestsIsNoError(t *testing.T) {
	// HTTP/1.0, and HTTP/1.1 with Connection: close.
	for _, reply := range []string{
		"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.0 200 OK\r\n\r\nas long as it takes",
		"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.1 200 OK\r\n\r\nas long as it takes",
	} {
		s := serve(t, func(s *server, c net.Conn) {
			if readRequest(bufio.NewReader(c)) == nil {
				s.reqs.Add(1)
				io.WriteString(c, reply)
			}
		})
		r := run(t, Config{Target: "http://" + s.addr + "/"})
		clean(t, r)
		if got := uint64(s.reqs.Load()); got != r.Sent {
			t.Errorf("%q: %d sent, the server saw %d", reply, r.Sent, got)
		}
	}
}

func TestUnreachableTargetIsOneError(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	_, err = Run(t.Context(), Config{Target: "http://" + addr + "/", Clients: 1,
		Duration: time.Second})
	if err == nil || !strings.Contains(err.Error(), "connection refused") ||
		!strings.Contains(err.Error(), addr) || errors.Is(err, ErrUsage) {
		t.Errorf("got %v", err)
	}
	_, err = Run(t.Context(), Config{Target: "http://no-such-host.invalid/", Clients: 1,
		Duration: time.Second})
	if err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
}

func TestServerThatDiesIsCountedAndNotHammered(t *testing.T) {
	var s *server
	var once sync.Once
	s = serve(t, func(s *server, c net.Conn) {
		r := bufio.NewReader(c)
		for n := 0; readRequest(r) == nil; n++ {
			if n == 20 {
				once.Do(func() { s.ln.Close() })
				return
			}
			io.WriteString(c, okReply)
		}
	})
	r := run(t, Config{Target: "http://" + s.addr + "/", Duration: 700 * time.Millisecond})
	if r.Requests == 0 {
		t.Error("nothing was answered before the server died")
	}
	var refused uint64
	for _, e := range r.ErrorsByKind {
		switch e.Kind {
		case ConnectRefused:
			refused = e.Count
		case ClosedEarly, Reset, ConnectReset:
		default:
			t.Errorf("unexpected %+v", e)
		}
	}
	// 4 clients back off 10, 20, 40 … ms: a busy loop would make thousands.
	if refused == 0 || refused > 4*12 {
		t.Errorf("%d connections were refused", refused)
	}
}
