package load

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"switchyard/internal/stats"
	"switchyard/internal/testenv"
	"switchyard/internal/testenv/testserver"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m, nil)) }

// A server is a listener with a function for each connection.
type server struct {
	addr  string
	conns atomic.Int64
	reqs  atomic.Int64
	ln    net.Listener
}

// serve runs f on each connection until the test ends.
func serve(t *testing.T, f func(s *server, c net.Conn)) *server {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{addr: ln.Addr().String(), ln: ln}
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			s.conns.Add(1)
			mu.Lock()
			open[c] = true
			mu.Unlock()
			wg.Go(func() {
				f(s, c)
				c.Close()
				mu.Lock()
				delete(open, c)
				mu.Unlock()
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		mu.Lock()
		for c := range open {
			c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return s
}

const okReply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// readRequest reads one request's head.
func readRequest(r *bufio.Reader) error {
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return err
		}
		if line == "\r\n" {
			return nil
		}
	}
}

// answering replies to each request with what reply returns for its number on this connection; an
// empty reply closes the connection.
func answering(reply func(n int) string) func(*server, net.Conn) {
	return func(s *server, c net.Conn) {
		r := bufio.NewReader(c)
		for n := 0; readRequest(r) == nil; n++ {
			s.reqs.Add(1)
			out := reply(n)
			if out == "" {
				return
			}
			if _, err := io.WriteString(c, out); err != nil {
				return
			}
		}
	}
}

func alwaysOK(int) string { return okReply }

func run(t *testing.T, c Config) *Result {
	t.Helper()
	if c.Clients == 0 {
		c.Clients = 4
	}
	if c.Duration == 0 {
		c.Duration = 150 * time.Millisecond
	}
	if c.Drain == 0 {
		c.Drain = 5 * time.Second // machines are slow at times
	}
	r, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	checkSums(t, r)
	return r
}

// checkSums checks what must hold of every result.
func checkSums(t *testing.T, r *Result) {
	t.Helper()
	if sum := r.Requests + r.Drained + r.Failed + r.Unfinished.Requests; sum != r.Sent {
		t.Errorf("requests %d + drained %d + failed %d + unfinished %d = %d, sent %d", r.Requests,
			r.Drained, r.Failed, r.Unfinished.Requests, sum, r.Sent)
	}
	var failed, all uint64
	for _, e := range r.ErrorsByKind {
		all += e.Count
		if !e.BeforeSend {
			failed += e.Count
		}
	}
	if failed != r.Failed || all != r.Errors {
		t.Errorf("errors by kind sum up to %d sent and %d in all, the result says %d and %d",
			failed, all, r.Failed, r.Errors)
	}
	if r.Latency.Count != r.Requests+r.Drained {
		t.Errorf("latency of %d requests, of %d", r.Latency.Count, r.Requests+r.Drained)
	}
	timeouts := uint64(0)
	for _, e := range r.ErrorsByKind {
		if e.Kind == Timeout {
			timeouts = e.Count
		}
	}
	unanswered := timeouts + r.Unfinished.Requests
	if r.Options.Loop == "open" {
		unanswered += r.Unsent.Requests
	}
	if r.Latency.Unanswered != unanswered {
		t.Errorf("latency has %d bounds, of %d requests without an answer", r.Latency.Unanswered,
			unanswered)
	}
	for _, e := range []struct {
		of stats.Encoded
		q  Quantiles
	}{{stats.Encoded{Known: r.Histograms.Latency, AtLeast: r.Histograms.LatencyAtLeast}, r.Latency},
		{stats.Encoded{Known: r.Histograms.Connect}, r.Connect},
		{stats.Encoded{Known: r.Histograms.Lateness}, r.Generator.Lateness}} {
		l, err := e.of.Decode()
		if err != nil {
			t.Error(err)
		} else if q := l.Quantiles(); q.Count != e.q.Count || q.Unanswered != e.q.Unanswered ||
			q.P99 != e.q.P99 || q.AtLeast != e.q.AtLeast {
			t.Errorf("a histogram with %+v stands beside %+v", q, e.q)
		}
	}
	q := r.Latency
	if v := []float64{q.Min, q.P50, q.P90, q.P99, q.P999}; !slices.IsSorted(v) {
		t.Errorf("quantiles are not in order: %v", v)
	}
}

// only checks that k is the one kind of error, and returns its count.
func only(t *testing.T, r *Result, k Kind) uint64 {
	t.Helper()
	if len(r.ErrorsByKind) != 1 || r.ErrorsByKind[0].Kind != k {
		t.Errorf("errors %+v, want only %s", r.ErrorsByKind, k)
		return 0
	}
	return r.ErrorsByKind[0].Count
}

func clean(t *testing.T, r *Result) {
	t.Helper()
	if r.Errors != 0 || r.Requests == 0 || r.Unfinished.Requests != 0 ||
		r.Connections.FailedBefore != 0 {
		t.Errorf("%d requests, errors %+v, unfinished %+v", r.Requests, r.ErrorsByKind,
			r.Unfinished)
	}
}

func TestEveryRequestIsCounted(t *testing.T) {
	for name, c := range map[string]Config{
		"closed":           {},
		"closed, churn":    {RequestsPerConn: 1},
		"closed, churn 3":  {RequestsPerConn: 3},
		"closed, threads":  {Clients: 7, Threads: 3},
		"open":             {Rate: 500},
		"open, poisson":    {Rate: 500, Arrivals: Poisson, Seed: 3},
		"open, churn":      {Rate: 500, RequestsPerConn: 2},
		"open, threads":    {Rate: 500, Threads: 2, Arrivals: Poisson},
		"open, spin":       {Rate: 500, Spin: 50 * time.Microsecond},
		"open, overloaded": {Rate: 1e6, Clients: 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, answering(alwaysOK))
			c.Target = "http://" + s.addr + "/"
			c.Warmup = 50 * time.Millisecond
			var before, after int64
			// Between the hooks the server is quiet, so its own count is the clients', exactly.
			c.BeforeMeasure = func() error { before = s.reqs.Load(); return nil }
			c.AfterMeasure = func() error { after = s.reqs.Load(); return nil }
			r := run(t, c)
			clean(t, r)
			if served := uint64(after - before); served != r.Sent || served != r.Answered() {
				t.Errorf("the server saw %d requests, the clients sent %d and had %d answered",
					served, r.Sent, r.Answered())
			}
			if before == 0 {
				t.Error("nothing was sent in the warm-up")
			}
			if r.CarriedOver.Requests != 0 {
				t.Errorf("%d requests of the warm-up were outstanding", r.CarriedOver.Requests)
			}
			if r.StarvedClients != 0 && c.Rate == 0 {
				t.Errorf("%d clients starved", r.StarvedClients)
			}
			if c.Rate > 0 {
				// Every arrival either left or is counted as unsent.
				want := c.Rate * r.Window.Seconds
				got := float64(r.Sent + r.Unsent.Requests)
				slack := 1.0
				if c.Arrivals == Poisson {
					slack = 6 * math.Sqrt(want)
				}
				if math.Abs(got-want) > slack {
					t.Errorf("%v requests were due, want %v", got, want)
				}
			}
			if got, want := s.conns.Load(), int64(r.Connections.OpenedInAll); got != want {
				t.Errorf("the server accepted %d connections, the clients opened %d", got, want)
			}
		})
	}
}

func TestChurnOpensExactlyTheConnectionsItNeeds(t *testing.T) {
	s := serve(t, answering(alwaysOK))
	for _, per := range []int{1, 4} {
		before := s.conns.Load()
		r := run(t, Config{Target: "http://" + s.addr + "/", RequestsPerConn: per, Clients: 3})
		clean(t, r)
		// The first connection was made to see that something is there, and was used; each client's
		// last may be unused up.
		opened := r.Connections.Opened + 1
		least := (r.Sent + uint64(per) - 1) / uint64(per)
		if opened < least || opened > least+3 {
			t.Errorf("%d requests, %d on each connection: %d connections", r.Sent, per, opened)
		}
		if got := uint64(s.conns.Load() - before); got != r.Connections.OpenedInAll {
			t.Errorf("the server accepted %d connections, the clients opened %d", got,
				r.Connections.OpenedInAll)
		}
		if r.Connect.Count != r.Connections.Opened {
			t.Errorf("%d connect times of %d connections", r.Connect.Count, r.Connections.Opened)
		}
	}
}

func TestIdleBallastStaysOpen(t *testing.T) {
	var quiet atomic.Int64
	s := serve(t, func(s *server, c net.Conn) {
		quiet.Add(1)
		r := bufio.NewReader(c)
		if _, err := r.Peek(1); err == nil {
			quiet.Add(-1)
			for readRequest(r) == nil {
				io.WriteString(c, okReply)
			}
			return
		}
		quiet.Add(-1)
	})
	var seen int64
	r := run(t, Config{Target: "http://" + s.addr + "/", Idle: 50, Clients: 2, Threads: 2,
		AfterMeasure: func() error { seen = quiet.Load(); return nil }})
	clean(t, r)
	if r.Idle != (Idle{Asked: 50, Open: 50}) || seen != 50 {
		t.Errorf("%+v, and the server has %d silent connections", r.Idle, seen)
	}
	if got := s.conns.Load(); got != 52 {
		t.Errorf("%d connections, want 50 idle and 2 clients", got)
	}
}

func TestIdleConnectionsClosedByTheServerAreReported(t *testing.T) {
	s := serve(t, func(s *server, c net.Conn) {
		c.SetReadDeadline(time.Now().Add(30 * time.Millisecond))
		r := bufio.NewReader(c)
		if _, err := r.Peek(1); err != nil {
			return
		}
		c.SetReadDeadline(time.Time{})
		for readRequest(r) == nil {
			io.WriteString(c, okReply)
		}
	})
	r := run(t, Config{Target: "http://" + s.addr + "/", Idle: 10, Clients: 1, RequestsPerConn: 100,
		Duration: 400 * time.Millisecond})
	if r.Idle.Open != 0 || r.Idle.ClosedByServer != 10 {
		t.Errorf("%+v, want all closed by the server", r.Idle)
	}
	if !slices.ContainsFunc(r.Warnings, func(w string) bool {
		return strings.Contains(w, "idle")
	}) {
		t.Errorf("warnings %q do not say so", r.Warnings)
	}
}

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

func TestUsageErrors(t *testing.T) {
	good := Config{Target: "http://127.0.0.1:1/", Clients: 1, Duration: time.Second}
	for name, f := range map[string]func(*Config){
		"clients 0":         func(c *Config) { c.Clients = 0 },
		"clients -1":        func(c *Config) { c.Clients = -1 },
		"too many clients":  func(c *Config) { c.Clients = maxClients },
		"more than allowed": func(c *Config) { c.Clients = maxClients + 1 },
		"no duration":       func(c *Config) { c.Duration = 0 },
		"duration < 0":      func(c *Config) { c.Duration = -1 },
		"warm-up < 0":       func(c *Config) { c.Warmup = -1 },
		"rate < 0":          func(c *Config) { c.Rate = -1 },
		"rate NaN":          func(c *Config) { c.Rate = math.NaN() },
		"rate Inf":          func(c *Config) { c.Rate = math.Inf(1) },
		"arrivals":          func(c *Config) { c.Arrivals = "bursty" },
		"requests per conn": func(c *Config) { c.RequestsPerConn = -1 },
		"idle":              func(c *Config) { c.Idle = -1 },
		"threads":           func(c *Config) { c.Threads = 2 },
		"echo bytes":        func(c *Config) { c.EchoBytes = -1 },
		"target":            func(c *Config) { c.Target = "https://h/" },
		"no target":         func(c *Config) { c.Target = "" },
	} {
		c := good
		f(&c)
		r, err := Run(t.Context(), c)
		if r != nil || !errors.Is(err, ErrUsage) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v", name, err)
		}
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

// TestStallIsSeenFromTheIntendedTime is about coordinated omission: a server that stalls once for
// 300 ms. A closed loop has one slow request for each client and does not see it at the 99th
// percentile; an open loop charges the stall to every request that was due in it.
func TestStallIsSeenFromTheIntendedTime(t *testing.T) {
	const stall = 300 * time.Millisecond
	newServer := func() *server {
		var turn sync.Mutex // one request at a time
		var stalled bool
		var began time.Time
		return serve(t, answering(func(int) string {
			turn.Lock()
			defer turn.Unlock()
			if began.IsZero() {
				began = time.Now()
			}
			if !stalled && time.Since(began) > 300*time.Millisecond {
				stalled = true
				time.Sleep(stall) // no state: this is the stall
			}
			return okReply
		}))
	}
	open := run(t, Config{Target: "http://" + newServer().addr + "/", Clients: 2, Rate: 400,
		Duration: time.Second})
	clean(t, open)
	// At least stall × rate = 120 of 400 requests were due while it stalled: the 90th percentile
	// lies in the stall.
	if open.Latency.P90 < 100e3 || open.Latency.P99 < 200e3 {
		t.Errorf("open loop: %+v: the stall of %v does not show", open.Latency, stall)
	}
	if open.Generator.Queued == 0 || open.Generator.QueueMaxUS < 100e3 {
		t.Errorf("open loop: %d requests waited for a client, at most %v µs", open.Generator.Queued,
			open.Generator.QueueMaxUS)
	}
	shut := run(t, Config{Target: "http://" + newServer().addr + "/", Clients: 2,
		Duration: time.Second})
	if shut.Latency.Max < 250e3 {
		t.Errorf("closed loop: %+v: the stall of %v does not show at all", shut.Latency, stall)
	}
	if shut.Latency.Count > 400 && shut.Latency.P99 > open.Latency.P90 {
		t.Errorf("closed loop: p99 %v µs, above the open loop's p90 %v µs", shut.Latency.P99,
			open.Latency.P90)
	}
}

func TestStarvedClientsAreVisible(t *testing.T) {
	// An iterative server: one connection at a time, the others wait in the backlog with their
	// request sent.
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			r := bufio.NewReader(c)
			for readRequest(r) == nil {
				io.WriteString(c, okReply)
			}
			c.Close()
		}
	})
	t.Cleanup(func() { ln.Close(); wg.Wait() })
	called := 0
	r := run(t, Config{Target: "http://" + ln.Addr().String() + "/", Clients: 5,
		Warmup: 50 * time.Millisecond, Drain: 50 * time.Millisecond,
		BeforeMeasure: func() error {
			called++
			return nil
		}, AfterMeasure: func() error { called++; return nil }})
	if called != 2 {
		t.Errorf("%d hooks were called", called)
	}
	if r.Requests == 0 || r.StarvedClients != 4 || r.CarriedOver.Requests != 4 ||
		r.Unfinished.FromWarmup != 4 || r.Unfinished.Requests != 0 {
		t.Errorf(
			"%d requests, %d starved, carried %+v, unfinished %+v; want 4 of 5 clients waiting",
			r.Requests, r.StarvedClients, r.CarriedOver, r.Unfinished)
	}
	if r.Unfinished.OldestUS < 150e3 {
		t.Errorf("the oldest request waits for %v µs, and the window alone was 150 ms",
			r.Unfinished.OldestUS)
	}
}

func TestInterruptedRunReturnsWhatItHas(t *testing.T) {
	s := serve(t, answering(alwaysOK))
	ctx, cancel := context.WithCancel(t.Context())
	after := false
	r, err := Run(ctx, Config{Target: "http://" + s.addr + "/", Clients: 2, Duration: time.Hour,
		BeforeMeasure: func() error { time.AfterFunc(150*time.Millisecond, cancel); return nil },
		AfterMeasure:  func() error { after = true; return nil }})
	if err != nil {
		t.Fatal(err)
	}
	checkSums(t, r)
	if !r.Interrupted || r.Requests == 0 || r.Window.Seconds > 60 || !after {
		t.Errorf("interrupted %v, %d requests in %v s, AfterMeasure called %v", r.Interrupted,
			r.Requests, r.Window.Seconds, after)
	}
}

func TestInterruptedWarmup(t *testing.T) {
	s := serve(t, answering(alwaysOK))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	r, err := Run(ctx, Config{Target: "http://" + s.addr + "/", Clients: 2, Duration: time.Hour,
		Warmup:        time.Hour,
		BeforeMeasure: func() error { t.Error("BeforeMeasure was called"); return nil },
		AfterMeasure:  func() error { t.Error("AfterMeasure was called"); return nil }})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Interrupted || r.Requests != 0 || r.Sent != 0 {
		t.Errorf("%+v", r)
	}
}

func TestErrorOfAHookEndsTheRun(t *testing.T) {
	s := serve(t, answering(alwaysOK))
	no := errors.New("no")
	for _, c := range []Config{
		{BeforeMeasure: func() error { return no }},
		{AfterMeasure: func() error { return no }},
	} {
		c.Target, c.Clients, c.Duration = "http://"+s.addr+"/", 2, 20*time.Millisecond
		if r, err := Run(t.Context(), c); !errors.Is(err, no) ||
			(r != nil) != (c.AfterMeasure != nil) {
			t.Errorf("got %v, %v", r, err)
		}
	}
}

func TestConnectionsAreOpenUntilAfterMeasure(t *testing.T) {
	var open atomic.Int64
	s := serve(t, func(s *server, c net.Conn) {
		open.Add(1)
		answering(alwaysOK)(s, c)
		open.Add(-1)
	})
	var at int64
	run(t, Config{Target: "http://" + s.addr + "/", Clients: 3, AfterMeasure: func() error {
		at = open.Load()
		return nil
	}})
	if at != 3 {
		t.Errorf("%d connections were open, want 3", at)
	}
}

func TestConnectionsClosedWhileTheHookRuns(t *testing.T) {
	var mu sync.Mutex
	var open []net.Conn
	s := serve(t, func(s *server, c net.Conn) {
		mu.Lock()
		open = append(open, c)
		mu.Unlock()
		answering(alwaysOK)(s, c)
	})
	for _, rate := range []float64{0, 200} {
		r := run(t, Config{Target: "http://" + s.addr + "/", Clients: 3, Rate: rate,
			Warmup: 30 * time.Millisecond,
			BeforeMeasure: func() error {
				mu.Lock()
				defer mu.Unlock()
				for _, c := range open {
					c.Close()
					testenv.Eventually(t, "the client has heard of it", func() bool {
						return testserver.HungUp(c)
					})
				}
				open = nil
				return nil
			}})
		clean(t, r)
		if r.Connections.ClosedByServer != 3 {
			t.Errorf("rate %v: %d connections were closed by the server, want 3", rate,
				r.Connections.ClosedByServer)
		}
	}
}

func TestAgainstNetHTTP(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/fixed", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello")
	})
	mux.HandleFunc("/chunked", func(w http.ResponseWriter, r *http.Request) {
		for range 5 {
			io.WriteString(w, strings.Repeat("x", 100))
			w.(http.Flusher).Flush()
		}
	})
	mux.HandleFunc("/large", func(w http.ResponseWriter, r *http.Request) {
		w.Write(make([]byte, 3<<20))
	})
	mux.HandleFunc("/close", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		io.WriteString(w, "bye")
	})
	mux.HandleFunc("/hints", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</x>")
		w.WriteHeader(http.StatusEarlyHints)
		io.WriteString(w, "hello")
	})
	mux.HandleFunc("/empty", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	})
	var reqs atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reqs.Add(1)
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	for _, path := range []string{"/fixed", "/chunked", "/large", "/close", "/hints", "/empty"} {
		t.Run(path, func(t *testing.T) {
			reqs.Store(0)
			r := run(t, Config{Target: srv.URL + path})
			clean(t, r)
			if uint64(reqs.Load()) != r.Sent {
				t.Errorf("%d sent, the server saw %d", r.Sent, reqs.Load())
			}
			if path == "/large" && r.Bytes.Read < (r.Requests+r.Drained)*(3<<20) {
				t.Errorf("%d bytes of %d responses", r.Bytes.Read, r.Requests)
			}
		})
	}
	t.Run("missing", func(t *testing.T) {
		only(t, run(t, Config{Target: srv.URL + "/missing"}), Status4xx)
	})
}

func TestAgainstPython(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 here: ", err)
	}
	cmd := exec.Command(python, "-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory",
		t.TempDir(), "0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	// Serving HTTP on 127.0.0.1 port 1 (http://…) ...
	line, err := bufio.NewReader(out).ReadString('\n')
	_, after, ok := strings.Cut(line, "(http://")
	if err != nil || !ok {
		t.Fatalf("%q, %v", line, err)
	}
	addr, _, _ := strings.Cut(after, "/")
	clean(t, run(t, Config{Target: "http://" + addr + "/", Clients: 2}))
}

func TestResponsesInPieces(t *testing.T) {
	s := serve(t, func(s *server, c net.Conn) {
		r := bufio.NewReader(c)
		for readRequest(r) == nil {
			for _, b := range []byte(okReply) {
				if _, err := c.Write([]byte{b}); err != nil {
					return
				}
				runtime.Gosched()
			}
		}
	})
	clean(t, run(t, Config{Target: "http://" + s.addr + "/"}))
}

func echo(s *server, c net.Conn) { io.Copy(c, c) }

func TestEcho(t *testing.T) {
	s := serve(t, echo)
	for _, n := range []int{0, 1, 1000, 5 << 20} {
		for _, rate := range []float64{0, 50} {
			r := run(t, Config{Target: "echo://" + s.addr, EchoBytes: n, Rate: rate, Clients: 2})
			clean(t, r)
			if want := r.Sent * uint64(r.Options.EchoBytes); r.Bytes.Written != want ||
				r.Bytes.Read != want {
				t.Errorf("%d bytes: wrote %d and read %d, want %d", n, r.Bytes.Written,
					r.Bytes.Read, want)
			}
		}
	}
}

func TestWrongEchoIsBad(t *testing.T) {
	s := serve(t, func(s *server, c net.Conn) {
		b := make([]byte, 100)
		for {
			n, err := c.Read(b)
			if err != nil {
				return
			}
			b[n-1] ^= 1
			c.Write(b[:n])
		}
	})
	only(t, run(t, Config{Target: "echo://" + s.addr}), BadResponse)
	more := serve(t, func(s *server, c net.Conn) {
		io.WriteString(c, "welcome\n")
		io.Copy(c, c)
	})
	r := run(t, Config{Target: "echo://" + more.addr, RequestsPerConn: 1})
	only(t, r, BadResponse)
}

func TestIPv6(t *testing.T) {
	ln, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6 loopback here: ", err)
	}
	ln.Close()
	srv := &http.Server{Handler: http.NotFoundHandler()}
	ln, err = net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	go srv.Serve(ln)
	t.Cleanup(func() { srv.Close() })
	for _, per := range []int{0, 1} {
		only(t, run(t, Config{Target: "http://" + ln.Addr().String() + "/", RequestsPerConn: per}),
			Status4xx)
	}
}

func TestNamesAreTriedInTurn(t *testing.T) {
	s := serve(t, answering(alwaysOK)) // on 127.0.0.1 only; localhost may be ::1 first
	_, port, _ := net.SplitHostPort(s.addr)
	r := run(t, Config{Target: "http://localhost:" + port + "/"})
	clean(t, r)
	if r.Address != s.addr {
		t.Errorf("the address is %s, want %s", r.Address, s.addr)
	}
}

func TestLocalAddressesChangeUnderChurn(t *testing.T) {
	d, err := newDialer(mustAddr(serve(t, func(*server, net.Conn) {}).addr), 10)
	if err != nil {
		t.Fatal(err)
	}
	d.opens = changeSource
	for range 2 {
		fd, e := d.open()
		if e != 0 {
			t.Fatal(e)
		}
		closeFD(fd)
	}
	if d.source != 1 || d.widest != 1 {
		t.Errorf("source %d, widest %d, want 1", d.source, d.widest)
	}
}

func TestResultIsValidJSON(t *testing.T) {
	s := serve(t, answering(alwaysOK))
	r := run(t, Config{Target: "http://" + s.addr + "/"})
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back Result
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if back.Schema != Schema || back.Latency != r.Latency || back.Requests != r.Requests {
		t.Errorf("%+v came back as %+v", r, back)
	}
	for _, null := range []string{`"errors_by_kind":null`, `"warnings":null`} {
		if strings.Contains(string(b), null) {
			t.Errorf("%s: want an empty list", null)
		}
	}
}

func TestThreadsAreNamed(t *testing.T) {
	s := serve(t, answering(alwaysOK))
	var names []string
	run(t, Config{Target: "http://" + s.addr + "/", Threads: 2, AfterMeasure: func() error {
		names = testenv.Threads()
		return nil
	}})
	for _, want := range []string{"sy-load/0", "sy-load/1"} {
		if !slices.Contains(names, want) {
			t.Errorf("no thread %s in %q", want, names)
		}
	}
}

// TestNoAllocationPerRequest counts what a whole run allocates; the server here allocates nothing
// for a request either.
func TestNoAllocationPerRequest(t *testing.T) {
	s := serve(t, func(s *server, c net.Conn) {
		b, reply := make([]byte, 4096), []byte(okReply)
		for {
			// One outstanding request on each connection: a read is a request.
			if _, err := c.Read(b); err != nil {
				return
			}
			if _, err := c.Write(reply); err != nil {
				return
			}
		}
	})
	for _, rate := range []float64{0, 2000} {
		var before, after runtime.MemStats
		r := run(t, Config{Target: "http://" + s.addr + "/", Rate: rate,
			Duration:      500 * time.Millisecond,
			BeforeMeasure: func() error { runtime.ReadMemStats(&before); return nil },
			AfterMeasure:  func() error { runtime.ReadMemStats(&after); return nil }})
		clean(t, r)
		// Two phases of a few dozen objects each: the sums in /proc, channels.
		if n := after.Mallocs - before.Mallocs; n > 200+r.Sent/10 {
			t.Errorf("rate %v: %d allocations for %d requests", rate, n, r.Sent)
		}
	}
}
