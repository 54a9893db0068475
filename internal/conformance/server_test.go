package conformance

import (
	"context"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"switchyard"
	"switchyard/internal/testenv"
)

// patience is how long anything that must happen may take. It is never waited
// out by a test that passes.
const patience = 10 * time.Second

// testServer is a server of one model in this process.
type testServer struct {
	t      *testing.T
	model  switchyard.Model
	opts   switchyard.Options
	server switchyard.Server
	addr   netip.AddrPort
	counts *switchyard.Counters
	cancel context.CancelFunc
	ended  chan error
	over   bool
	// together is how many connections can be counted on to be served at the
	// same moment.
	together int
}

// serve starts a server and, at the test's end, drains it and checks what
// every server must leave behind: balanced counters, and nothing else.
func serve(t *testing.T, m switchyard.Model, opts switchyard.Options) *testServer {
	t.Helper()
	testenv.Check(t)
	counts, free, err := switchyard.NewCounters()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := free(); err != nil {
			t.Error(err)
		}
	})
	var readies atomic.Int32
	ready := make(chan netip.AddrPort, 8)
	opts.Counters = counts
	opts.SpinsPerMilli = 100_000 // the same everywhere; measuring it costs time
	if opts.Grace == 0 {
		opts.Grace = time.Second
	}
	opts.Ready = func(addr netip.AddrPort) {
		readies.Add(1)
		ready <- addr
	}
	server, err := m.New(opts)
	if err != nil {
		t.Fatalf("new: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &testServer{
		t: t, model: m, opts: opts, server: server, counts: counts, cancel: cancel,
		ended: make(chan error, 1), together: together(m, opts),
	}
	go func() { s.ended <- server.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if !s.over {
			if err := s.wait(); err != nil {
				t.Errorf("serve, after its context was done: %v", err)
			}
		}
		if n := readies.Load(); n != 1 {
			t.Errorf("Ready was called %d times", n)
		}
		if a, c := counts.Accepted.Load(), counts.Closed.Load(); a != c {
			t.Errorf("%d connections accepted, %d closed", a, c)
		}
		if n := counts.Active(); n != 0 {
			t.Errorf("%d connections active after the end", n)
		}
	})
	select {
	case s.addr = <-ready:
	case err := <-s.ended:
		s.over = true
		t.Fatalf("serve: %v", err)
	case <-time.After(patience):
		t.Fatal("Ready was not called")
	}
	if !s.addr.Addr().IsLoopback() || s.addr.Port() == 0 {
		t.Fatalf("Ready(%s): not the address that was bound", s.addr)
	}
	return s
}

// wait is what Serve returned.
func (s *testServer) wait() error {
	s.t.Helper()
	s.over = true
	select {
	case err := <-s.ended:
		return err
	case <-time.After(patience):
		s.t.Fatal("Serve does not return")
		return nil
	}
}

// together is how many connections a server can be counted on to serve at the
// same moment: Model.Serves, but where the kernel deals connections out by a
// hash of their address to workers that serve one at a time, two may wait for
// one worker while another has none.
func together(m switchyard.Model, opts switchyard.Options) int {
	if m.Name == "fork/reuseport" {
		return 1
	}
	return m.Serves(opts)
}

// clients is n, or how many the server serves at the same moment if that is
// less.
func (s *testServer) clients(n int) int { return min(n, s.together) }

// eventually fails the test unless cond becomes true.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for pause := 100 * time.Microsecond; !cond(); pause = min(2*pause, 10*time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still not: %s", what)
		}
		time.Sleep(pause)
	}
}
