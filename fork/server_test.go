package fork

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"switchyard"
	"switchyard/internal/testenv"
	"switchyard/internal/testenv/testserver"
)

// mappings counts this process' mappings that children could share: shared anonymous memory and
// files in memory.
func mappings(t *testing.T) int {
	b, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(b), "/dev/zero") + strings.Count(string(b), "/memfd:")
}

func TestNothingIsLeft(t *testing.T) {
	each(t, func(t *testing.T, model string) {
		before := mappings(t)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		m, _ := switchyard.Lookup(model)
		if m.Available() != nil {
			t.Skip(m.Available())
		}
		s, err := m.New(switchyard.Options{Workers: 2, Ready: func(a netip.AddrPort) {
			c, err := net.Dial("tcp", a.String())
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			io.WriteString(c, "GET / HTTP/1.1\r\n\r\n")
			if _, err := c.Read(make([]byte, 100)); err != nil {
				t.Error(err)
			}
			cancel()
		}})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Serve(ctx); err != nil {
			t.Fatal(err)
		}
		if kids := testenv.Children(); len(kids) > 0 {
			t.Errorf("children %v", kids)
		}
		if n := mappings(t) - before; n != 0 {
			t.Errorf("%d mappings", n)
		}
		if err := s.Serve(context.Background()); !errors.Is(err, switchyard.ErrServerClosed) {
			t.Errorf("serving again: %v", err)
		}
	})
}

func TestDrainAnswersWhatHasBegun(t *testing.T) {
	each(t, func(t *testing.T, model string) {
		r := serve(t, model, switchyard.Options{Workers: 4, Grace: 10 * time.Second})
		idle, asked, half := r.open(), r.open(), r.open()
		idle.get("/", "one")
		half.get("/", "one")
		io.WriteString(half, "GET / HTT")
		asked.send("/sleep?ms=400")
		testenv.Eventually(t, "both are read", func() bool {
			return testserver.Taken(half) && testserver.Taken(asked)
		})
		r.Cancel()
		if _, err := idle.receive(); err == nil {
			t.Error("the idle connection is answered")
		}
		if body, err := asked.receive(); err != nil || body != "slept\n" {
			t.Errorf("the request in progress: %q, %v", body, err)
		}
		io.WriteString(half, "P/1.1\r\n\r\n")
		if body, err := half.receive(); err != nil || !strings.HasPrefix(body, "one") {
			t.Errorf("the half request: %q, %v", body, err)
		}
		if _, err := half.receive(); err == nil {
			t.Error("the connection stays open")
		}
		if err := r.Wait(); err != nil {
			t.Error(err)
		}
		if n := r.counters.Crashed.Load(); n != 0 {
			t.Errorf("%d crashed", n)
		}
		if a := r.counters.Active(); a != 0 {
			t.Errorf("%d connections are left", a)
		}
		if n := r.counters.Requests.Load(); n != 4 {
			t.Errorf("%d requests, want 4", n)
		}
		if c, err := net.Dial("tcp", r.addr); err == nil {
			c.Close()
			t.Error("somebody still listens")
		}
	})
}

func TestGraceCutsOff(t *testing.T) {
	each(t, func(t *testing.T, model string) {
		r := serve(t, model, switchyard.Options{Workers: 2, Grace: 100 * time.Millisecond})
		c := r.dial()
		c.get("/", "one")
		c.send("/sleep?ms=60000")
		if err := r.Drain(); err != nil {
			t.Error(err)
		}
		if _, err := c.receive(); err == nil {
			t.Error("answered")
		}
		if n := r.counters.Crashed.Load(); n != 0 {
			t.Errorf("%d crashed", n)
		}
		if a, n := r.counters.Active(), r.counters.Requests.Load(); a != 0 || n != 1 {
			t.Errorf("%d active, %d requests; want 0, 1", a, n)
		}
	})
}

func TestClose(t *testing.T) {
	each(t, func(t *testing.T, model string) {
		r := serve(t, model, switchyard.Options{Workers: 2, Grace: time.Minute})
		c := r.dial()
		c.get("/", "one")
		c.send("/sleep?ms=60000")
		for range 2 {
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
		if err := r.Wait(); !errors.Is(err, switchyard.ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
		if kids := testenv.Children(); len(kids) > 0 {
			t.Errorf("children %v after Close", kids)
		}
		if n := r.counters.Crashed.Load() + r.counters.Respawned.Load(); n != 0 {
			t.Errorf("%d crashed or respawned", n)
		}
		again, err := net.Listen("tcp", r.addr)
		if err != nil {
			t.Fatalf("the address is not free: %v", err)
		}
		again.Close()
	})
}

func TestCloseCutsADrainShort(t *testing.T) {
	r := serve(t, "fork/per-conn", switchyard.Options{Grace: time.Minute})
	c := r.dial()
	c.get("/", "one")
	c.send("/sleep?ms=60000")
	r.Cancel()
	testenv.Eventually(t, "it drains", r.inside().stopping.Load)
	r.Close()
	if err := r.Wait(); !errors.Is(err, switchyard.ErrServerClosed) {
		t.Errorf("Serve: %v", err)
	}
}

func TestCloseBeforeServeAndFromReady(t *testing.T) {
	each(t, func(t *testing.T, model string) {
		m, _ := switchyard.Lookup(model)
		if m.Available() != nil {
			t.Skip(m.Available())
		}
		s, err := m.New(switchyard.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := s.Serve(context.Background()); !errors.Is(err, switchyard.ErrServerClosed) {
			t.Errorf("Serve after Close: %v", err)
		}
		s, err = m.New(switchyard.Options{Workers: 2, Ready: func(netip.AddrPort) { s.Close() }})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Serve(context.Background()); !errors.Is(err, switchyard.ErrServerClosed) {
			t.Errorf("Serve, closed from Ready: %v", err)
		}
	})
}

func TestBadOptions(t *testing.T) {
	each(t, func(t *testing.T, model string) {
		m, _ := switchyard.Lookup(model)
		for _, opts := range []switchyard.Options{{Workers: -1}, {Listen: "nowhere"},
			{Listen: "203.0.113.1:1"}} {
			if s, err := m.New(opts); err == nil {
				s.Close()
				t.Errorf("%+v: no error", opts)
			}
		}
	})
}
