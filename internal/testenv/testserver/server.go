// Package testserver runs servers beside a test and looks at what became of what was sent to them.
// It is apart from testenv, as a program that links package net and has a C compiler beside it is
// linked with C, and cannot drop capabilities then.
package testserver

import (
	"context"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"switchyard"
	"switchyard/internal/testenv"
)

// A Server is one that serves until the test ends.
type Server struct {
	switchyard.Server
	*testenv.Background
	Address  string // where it listens
	Counters *switchyard.Counters
	cancel   context.CancelFunc
	t        testing.TB
}

// Serve builds a server, a Model's New, and runs it. Options that are missing are filled in:
// Counters, which child processes share, and SpinsPerMilli, as measuring that takes time. Ready
// belongs to the harness.
//
// The server is drained at the end of the test. Then Serve must have returned nil, unless Wait has
// told the test otherwise, Ready must have been called once, the counters balance, and nothing is
// left behind (testenv.Check).
func Serve(t testing.TB, build func(switchyard.Options) (switchyard.Server, error),
	opts switchyard.Options) *Server {
	t.Helper()
	testenv.Check(t)
	if opts.Counters == nil {
		counters, free, err := switchyard.NewCounters()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := free(); err != nil {
				t.Error(err)
			}
		})
		opts.Counters = counters
	}
	if opts.SpinsPerMilli == 0 {
		opts.SpinsPerMilli = 1000
	}
	var readies atomic.Int32
	ready := make(chan netip.AddrPort, 8)
	opts.Ready = func(a netip.AddrPort) {
		readies.Add(1)
		ready <- a
	}
	server, err := build(opts)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Server: server, Counters: opts.Counters, t: t}
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	t.Cleanup(func() { // after the Background's
		server.Close()
		if n := readies.Load(); n != 1 {
			t.Errorf("Ready was called %d times", n)
		}
		if a, c := s.Counters.Accepted.Load(), s.Counters.Closed.Load(); a != c {
			t.Errorf("%d connections accepted, %d closed", a, c)
		}
		if n := s.Counters.Active(); n != 0 {
			t.Errorf("%d connections are active after the end", n)
		}
	})
	s.Background = testenv.Start(t, func() error { return server.Serve(ctx) }, cancel)
	select {
	case a := <-ready:
		if !a.Addr().IsLoopback() || a.Port() == 0 {
			t.Fatalf("Ready(%s): not the address that was bound", a)
		}
		s.Address = a.String()
		if at := server.Addr(); at != a {
			t.Errorf("Addr() is %s, and Ready was told %s", at, a)
		}
	case <-s.Ended():
		t.Fatalf("serve: %v", s.Wait())
	case <-time.After(testenv.Patience):
		t.Fatal("Ready was not called")
	}
	return s
}

// Cancel begins the drain.
func (s *Server) Cancel() { s.cancel() }

// Drain drains the server and returns what Serve returned.
func (s *Server) Drain() error {
	s.t.Helper()
	s.cancel()
	return s.Wait()
}

// Dial connects. What the test does with the connection fails after Patience, and it is closed at
// the end of the test.
func (s *Server) Dial() *net.TCPConn {
	s.t.Helper()
	c, err := net.DialTimeout("tcp", s.Address, testenv.Patience)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(testenv.Patience))
	return c.(*net.TCPConn)
}
