package load

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"math"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"switchyard/internal/testenv"
)

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
