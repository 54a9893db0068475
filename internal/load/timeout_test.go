package load

import (
	"bufio"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"switchyard/internal/stats"
)

// TestTimeoutsAreInTheQuantiles has one request in ten never answered: the quantiles above the
// ninetieth are at least the time-out, and say that it is all they know.
func TestTimeoutsAreInTheQuantiles(t *testing.T) {
	const timeout = 100 * time.Millisecond
	var n atomic.Int64
	s := serve(t, func(s *server, c net.Conn) {
		r := bufio.NewReader(c)
		for readRequest(r) == nil {
			if n.Add(1)%10 == 0 {
				io.Copy(io.Discard, c)
				return
			}
			io.WriteString(c, okReply)
		}
	})
	r := run(t, Config{Target: "http://" + s.addr + "/", Clients: 2, Duration: time.Second,
		Timeout: timeout, ConnectTimeout: 5 * time.Second})
	only(t, r, Timeout)
	q := r.Latency
	want := float64(timeout.Microseconds())
	if q.Unanswered == 0 || q.P99 != want || q.Max != want || !q.AtLeast.Has(stats.AtLeastP99|
		stats.AtLeastP999|stats.AtLeastMax|stats.AtLeastMean) {
		t.Errorf("%+v, at least: %q; want p99 and what is above it at least %v µs", q,
			q.AtLeast.Keys(), want)
	}
	if q.AtLeast.Has(stats.AtLeastP50) || q.P50 > want {
		t.Errorf("%+v: the median is known", q)
	}
}

// TestUnfinishedAreInTheQuantiles ends a run while nobody is answered any more.
func TestUnfinishedAreInTheQuantiles(t *testing.T) {
	s := serve(t, func(s *server, c net.Conn) {
		if r := bufio.NewReader(c); readRequest(r) == nil {
			io.WriteString(c, okReply)
		}
		io.Copy(io.Discard, c)
	})
	for _, rate := range []float64{0, 200} {
		r := run(t, Config{Target: "http://" + s.addr + "/", Clients: 3, Rate: rate,
			Duration: 300 * time.Millisecond, Drain: 50 * time.Millisecond})
		q := r.Latency
		if r.Unfinished.Requests != 3 || !q.AtLeast.Has(stats.AtLeastP99|stats.AtLeastMax) {
			t.Errorf("rate %v: %d unfinished, %+v, at least %q", rate, r.Unfinished.Requests, q,
				q.AtLeast.Keys())
		}
		// Of 60 requests that were due 6 left: the other 54 waited for most of the window.
		if rate > 0 && (q.Unanswered < 50 || !q.AtLeast.Has(stats.AtLeastP50) || q.P50 < 100e3) {
			t.Errorf("rate %v: %d requests never left and half of all latencies are %v µs or more",
				rate, r.Unsent.Requests, q.P50)
		}
	}
}

// TestLateAnswerIsATimeout answers each request after the time-out and before the generator would
// look for what is late. The answer's own time decides.
func TestLateAnswerIsATimeout(t *testing.T) {
	const timeout = 120 * time.Millisecond
	s := serve(t, answering(func(int) string {
		time.Sleep(timeout + 10*time.Millisecond) // no state: the server is slow
		return okReply
	}))
	r := run(t, Config{Target: "http://" + s.addr + "/", Clients: 3,
		Duration: 500 * time.Millisecond, Timeout: timeout, ConnectTimeout: 5 * time.Second})
	if only(t, r, Timeout) == 0 || r.Requests+r.Drained != 0 {
		t.Errorf("%d requests were good, %d late", r.Requests, r.Drained)
	}
}

// TestNoLatencyIsAboveTheTimeout sweeps answers over the time-out: whatever the tick, none counts
// as good that took longer.
func TestNoLatencyIsAboveTheTimeout(t *testing.T) {
	const timeout = 30 * time.Millisecond
	var n atomic.Int64
	s := serve(t, answering(func(int) string {
		// no state: how slow the server is
		time.Sleep(time.Duration(n.Add(1)%60) * time.Millisecond)
		return okReply
	}))
	r := run(t, Config{Target: "http://" + s.addr + "/", Clients: 8,
		Duration: 600 * time.Millisecond, Timeout: timeout, ConnectTimeout: 5 * time.Second})
	only(t, r, Timeout)
	if r.Requests == 0 {
		t.Fatal("no request was good")
	}
	l, err := r.Histograms.Latencies()
	if err != nil {
		t.Fatal(err)
	}
	// After a time-out latency counts from the connect, the time-out from the request.
	if q := l.Quantiles(); q.Max > float64(timeout.Microseconds())*1.001+r.Connect.Max {
		t.Errorf("a latency of %v µs, above the time-out of %v and a connect of %v µs", q.Max,
			timeout, r.Connect.Max)
	}
}

// TestTimeoutsAreFoundWhenTheyAreDue holds what a client does after a time-out to the time-out and
// not to a tick of the generator: of one client every tenth of a second begins anew.
func TestTimeoutsAreFoundWhenTheyAreDue(t *testing.T) {
	s := serve(t, func(s *server, c net.Conn) {
		if readRequest(bufio.NewReader(c)) == nil {
			s.reqs.Add(1)
		}
		io.Copy(io.Discard, c)
	})
	r := run(t, Config{Target: "http://" + s.addr + "/", Clients: 1, Duration: time.Second,
		Timeout: 20 * time.Millisecond, ConnectTimeout: 5 * time.Second})
	// Two failures in a row back off, at most for 320 ms: 20, 20+10, 20+20, 20+40, 20+80 …
	if n := only(t, r, Timeout); n < 5 {
		t.Errorf("%d time-outs in a second: %+v", n, r.Warnings)
	}
}

// closingAfter answers so many requests on a connection and then closes it without a word.
func closingAfter(n int) func(*server, net.Conn) {
	return func(s *server, c net.Conn) {
		r := bufio.NewReader(c)
		for range n {
			if readRequest(r) != nil {
				return
			}
			s.reqs.Add(1)
			if _, err := io.WriteString(c, okReply); err != nil {
				return
			}
		}
	}
}

// TestServerThatClosesWithoutSayingSo closes each connection after a few answers that promise to
// keep it. Whether the client's next request crosses that or not, no request fails.
func TestServerThatClosesWithoutSayingSo(t *testing.T) {
	for _, per := range []int{1, 3} {
		for _, rate := range []float64{0, 1000} {
			s := serve(t, closingAfter(per))
			r := run(t, Config{Target: "http://" + s.addr + "/", Rate: rate,
				Duration: 400 * time.Millisecond})
			clean(t, r)
			if got := uint64(s.reqs.Load()); got != r.Sent {
				t.Errorf("%d sent, the server answered %d", r.Sent, got)
			}
			if r.Connections.ClosedByServer < r.Connections.Reconnects {
				t.Errorf("%+v", r.Connections)
			}
		}
	}
}

// TestRequestIsSentAgain reads the second request of a connection and closes it: the copy on a new
// connection is answered, and its latency counts from the first.
func TestRequestIsSentAgain(t *testing.T) {
	const dead = 50 * time.Millisecond
	s := serve(t, func(s *server, c net.Conn) {
		r := bufio.NewReader(c)
		if readRequest(r) != nil {
			return
		}
		io.WriteString(c, okReply)
		if readRequest(r) == nil {
			time.Sleep(dead) // no state: what the client waits for in vain
		}
	})
	r := run(t, Config{Target: "http://" + s.addr + "/", Clients: 2,
		Duration: 400 * time.Millisecond})
	clean(t, r)
	if r.Connections.Reconnects == 0 || r.Latency.Max < float64(dead.Microseconds()) ||
		r.Latency.P50 < float64(dead.Microseconds()) {
		t.Errorf("%d sent again, latency %+v", r.Connections.Reconnects, r.Latency)
	}
}

// TestSentAgainOnce has a server that answers nothing but the first request of its life: each
// request is sent at most twice, and fails.
func TestSentAgainOnce(t *testing.T) {
	var answered, seen atomic.Int64
	s := serve(t, func(s *server, c net.Conn) {
		r := bufio.NewReader(c)
		for readRequest(r) == nil {
			seen.Add(1)
			if !answered.CompareAndSwap(0, 1) {
				return
			}
			io.WriteString(c, okReply)
		}
	})
	r := run(t, Config{Target: "http://" + s.addr + "/", Clients: 1,
		Duration: 200 * time.Millisecond})
	if r.Requests != 1 || only(t, r, ClosedEarly) == 0 || r.Connections.Reconnects != 1 ||
		uint64(seen.Load()) != r.Sent+1 {
		t.Errorf("%d good, %d sent, %d seen, %+v", r.Requests, r.Sent, seen.Load(), r.Connections)
	}
}

// TestSentAgainInVain closes the door after the first answer: the request that cannot be sent again
// has failed, once.
func TestSentAgainInVain(t *testing.T) {
	s := serve(t, func(s *server, c net.Conn) {
		r := bufio.NewReader(c)
		if readRequest(r) != nil {
			return
		}
		io.WriteString(c, okReply)
		if readRequest(r) == nil {
			s.ln.Close()
		}
	})
	r := run(t, Config{Target: "http://" + s.addr + "/", Clients: 1,
		Duration: 200 * time.Millisecond})
	if r.Requests != 1 || r.Failed != 1 {
		t.Errorf("%d good and %d failed: %+v", r.Requests, r.Failed, r.ErrorsByKind)
	}
}

// An answer of which a byte came is not asked for again: it may have been acted on.
func TestBegunAnswerIsNotAskedForAgain(t *testing.T) {
	s := serve(t, func(s *server, c net.Conn) {
		r := bufio.NewReader(c)
		if readRequest(r) == nil {
			io.WriteString(c, okReply)
			if readRequest(r) == nil {
				io.WriteString(c, "H")
			}
		}
	})
	r := run(t, Config{Target: "http://" + s.addr + "/", Clients: 1})
	if only(t, r, ClosedEarly) == 0 || r.Connections.Reconnects != 0 {
		t.Errorf("%+v", r.Connections)
	}
}

// TestFramingHasNoSum reads a valid response with more framing than any head may have.
func TestFramingHasNoSum(t *testing.T) {
	const chunks = 2 * maxHead / len("5\r\n\r\n")
	s := serve(t, answering(func(int) string {
		return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
			strings.Repeat("5\r\nhello\r\n", chunks) + "0\r\n\r\n"
	}))
	// The window must hold one such response, under the race detector and on a busy machine too.
	c := Config{Target: "http://" + s.addr + "/", Clients: 1, Duration: 2 * time.Second}
	clean(t, run(t, c))
}
