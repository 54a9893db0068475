package conformance

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/testenv"
	"switchyard/internal/testenv/testserver"
)

// How servers begin and end.
var lifeCases = []conformanceCase{
	{"drain", func(t *testing.T, m switchyard.Model) {
		eachProtocol(t, func(t *testing.T, p switchyard.Protocol) { drain(t, m, p) })
	}},
	{"drain of unfinished requests", drainUnfinished},
	{"drain before any client", drainAtOnce},
	{"close in mid-flight", closeInFlight},
	{"close twice, before and after", closeAround},
	{"served twice", servedTwice},
	{"port in use", portInUse},
	{"wrong options", wrongOptions},
	{"a listener that fails", listenerFails},
}

// A listener that can be accepted from no more ends the server, with an error that says so: trying
// again and again would help nobody.
func listenerFails(t *testing.T, m switchyard.Model) {
	s := serve(t, m, switchyard.Options{})
	c := s.dial()
	c.send(getRoot)
	c.wantRoot()
	found := 0
	dir, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dir {
		fd, err := strconv.Atoi(d.Name())
		if err != nil {
			t.Fatal(err)
		}
		listens, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
		if err != nil || listens == 0 {
			continue
		}
		if at, err := unix.Getsockname(fd); err == nil &&
			at.(*unix.SockaddrInet4).Port == int(s.addr.Port()) {
			found++
			unix.Shutdown(fd, unix.SHUT_RDWR) // every accept fails with EINVAL from now on
		}
	}
	if found == 0 {
		t.Fatal("the server has no listener")
	}
	// A worker that serves looks at its listener when it has.
	c.Close()
	if err := s.Wait(); !errors.Is(err, syscall.EINVAL) || !strings.Contains(err.Error(),
		"accept") {
		t.Errorf("serve: %v, want that of accept", err)
	}
}

// refused reports that nothing listens at addr.
func refused(addr netip.AddrPort) bool {
	c, err := net.DialTimeout("tcp", addr.String(), patience)
	if err == nil {
		c.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

// When the context is done, a request in progress is answered, idle connections end and Serve
// returns nil, all well before the grace is over.
func drain(t *testing.T, m switchyard.Model, p switchyard.Protocol) {
	s := serve(t, m, switchyard.Options{Protocol: p, Grace: patience})
	var idle []*client
	for i := range s.clients(4) - 1 {
		c := s.dial()
		if err := c.exchange(p, i); err != nil {
			t.Fatal(err)
		}
		idle = append(idle, c)
	}
	busy := s.dial()
	if err := busy.exchange(p, 1); err != nil {
		t.Fatal(err)
	}
	sent := time.Now()
	if p == switchyard.HTTP {
		busy.send("GET /bytes?n=5 HTTP/1.1\r\n\r\nGET /sleep?ms=300 HTTP/1.1\r\n\r\n")
		busy.want(200) // it has read the request
	}
	start := time.Now()
	s.Cancel()
	if p == switchyard.HTTP {
		busy.want(200)
		if d := time.Since(sent); d < 300*time.Millisecond {
			t.Errorf("the request in progress was answered after %v, it sleeps for 300 ms", d)
		}
	}
	busy.wantCleanEnd()
	for _, c := range idle {
		c.wantCleanEnd()
	}
	if err := s.Wait(); err != nil {
		t.Errorf("serve: %v", err)
	}
	if d := time.Since(start); d > patience/2 {
		t.Errorf("the drain took %v", d)
	}
	if !refused(s.addr) {
		t.Error("connections are still taken")
	}
	if want := uint64(len(idle) + 3); p == switchyard.HTTP && s.counts.Requests.Load() != want {
		t.Errorf("%d requests counted, want %d", s.counts.Requests.Load(), want)
	}
	if err := s.Close(); err != nil {
		t.Errorf("close, after serve: %v", err)
	}
}

// A request that does not become whole, and a reply that is not taken, end when the grace does.
func drainUnfinished(t *testing.T, m switchyard.Model) {
	const grace = 150 * time.Millisecond
	s := serve(t, m, switchyard.Options{Grace: grace})
	half := s.dial()
	half.send(getRoot)
	half.wantRoot()
	half.send("GET / HTTP/1.1\r\nHo")
	if s.together > 1 {
		slow := s.dial()
		slow.SetReadBuffer(64 << 10)
		slow.send("GET /bytes?n=1000000000 HTTP/1.1\r\n\r\n")
		if _, err := slow.r.Peek(1); err != nil {
			t.Fatal(err)
		}
	}
	testenv.Eventually(t, "the half has been read", func() bool { return testserver.Taken(half) })
	start := time.Now()
	s.Cancel()
	if err := s.Wait(); err != nil {
		t.Errorf("serve: %v", err)
	}
	if d := time.Since(start); d < grace {
		t.Errorf("Serve returned after %v of a grace of %v", d, grace)
	}
	half.wantEnd()
}

func drainAtOnce(t *testing.T, m switchyard.Model) {
	s := serve(t, m, switchyard.Options{Grace: patience})
	start := time.Now()
	s.Cancel()
	if err := s.Wait(); err != nil {
		t.Errorf("serve: %v", err)
	}
	if d := time.Since(start); d > patience/2 {
		t.Errorf("Serve took %v to end", d)
	}
}

// Close cuts everything off at once.
func closeInFlight(t *testing.T, m switchyard.Model) {
	s := serve(t, m, switchyard.Options{Grace: patience})
	var idle *client
	if s.together > 1 {
		// Before the other sleeps: a loop that does serves nobody.
		idle = s.dial()
		idle.send(getRoot)
		idle.wantRoot()
	}
	asleep := s.dial()
	asleep.send(getRoot + "GET /sleep?ms=60000 HTTP/1.1\r\n\r\n")
	asleep.wantRoot()
	start := time.Now()
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if err := s.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
	all.Wait()
	if err := s.Wait(); !errors.Is(err, switchyard.ErrServerClosed) ||
		!errors.Is(err, os.ErrClosed) {
		t.Errorf("serve: %v, want %v", err, switchyard.ErrServerClosed)
	}
	if d := time.Since(start); d > patience/2 {
		t.Errorf("Serve took %v to end", d)
	}
	asleep.wantEnd()
	if idle != nil {
		idle.wantEnd()
	}
	if !refused(s.addr) {
		t.Error("connections are still taken")
	}
	if err := s.Close(); err != nil {
		t.Errorf("close again: %v", err)
	}
}

func closeAround(t *testing.T, m switchyard.Model) {
	testenv.Check(t)
	s, err := m.New(switchyard.Options{Ready: func(netip.AddrPort) {
		t.Error("Ready was called")
	}, SpinsPerMilli: 1})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Errorf("close before serve: %v", err)
		}
	}
	for range 2 {
		if err := s.Serve(context.Background()); !errors.Is(err, switchyard.ErrServerClosed) {
			t.Errorf("serve after close: %v, want %v", err, switchyard.ErrServerClosed)
		}
	}
	if err := s.Close(); err != nil {
		t.Errorf("close after serve: %v", err)
	}
}

// A second Serve is refused while the first serves, which it does not harm.
func servedTwice(t *testing.T, m switchyard.Model) {
	s := serve(t, m, switchyard.Options{})
	if err := s.Serve(context.Background()); !errors.Is(err, switchyard.ErrServing) {
		t.Errorf("a second Serve: %v, want %v", err, switchyard.ErrServing)
	}
	c := s.dial()
	c.send(getRoot)
	c.wantRoot()
}

func portInUse(t *testing.T, m switchyard.Model) {
	testenv.Check(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	s, err := m.New(switchyard.Options{Listen: taken.Addr().String(), SpinsPerMilli: 1})
	if err == nil {
		s.Close()
		t.Fatal("a server was made on a port that is in use")
	}
	if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(),
		taken.Addr().String()) ||
		!strings.Contains(err.Error(), "(") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q: want one line with the address, the reason and a remedy", err)
	}
	taken.Close()
	s, err = m.New(switchyard.Options{Listen: taken.Addr().String(), SpinsPerMilli: 1})
	if err != nil {
		t.Fatalf("new, when the port is free again: %v", err)
	}
	// And Close gives it back.
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	again, err := net.Listen("tcp", taken.Addr().String())
	if err != nil {
		t.Fatalf("after close: %v", err)
	}
	again.Close()
}

func wrongOptions(t *testing.T, m switchyard.Model) {
	testenv.Check(t)
	for _, opts := range []switchyard.Options{
		{Listen: "nonsense"}, {Listen: "localhost:http"}, {Workers: -1}, {MaxConns: -1},
		{Grace: -1}, {Protocol: 9},
		{Listen: "192.0.2.1:0"}, // of no interface (RFC 5737)
	} {
		opts.SpinsPerMilli = 1
		if s, err := m.New(opts); err == nil {
			s.Close()
			t.Errorf("a server was made with %+v", opts)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v: error %q is not one line", opts, err)
		}
	}
}
