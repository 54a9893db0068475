package poll

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"sync"
	"testing"
	"time"

	"switchyard"
	"switchyard/internal/testenv"
)

// A client that keeps its connection after an error is cut off in a second.
func TestLinger(t *testing.T) {
	each(t, func(t *testing.T, m switchyard.Model) {
		r := serve(t, m, switchyard.Options{})
		c, gone := r.dial(), r.dial()
		for _, c := range []*client{gone, c} {
			c.send("nonsense\r\n")
			if status, _, err := c.head(); err != nil || status != 400 {
				t.Fatalf("status %d: %v", status, err)
			}
			if _, err := io.Copy(io.Discard, c.r); err != nil {
				t.Fatalf("the reply does not end: %v", err)
			}
		}
		gone.Close() // its place is another's when its second has passed
		testenv.Eventually(t, "one is gone", func() bool { return r.count.Active() == 1 })
		other := r.dial()
		other.get()
		c.send("more nonsense")
		testenv.Eventually(t, "the first is cut off", func() bool {
			return r.count.Closed.Load() == 2
		})
		// no state: nothing may happen to the other, and it would about now
		time.Sleep(50 * time.Millisecond)
		other.get()
	})
}

// Serve ends once, whatever is called and when.
func TestCloseFromEverywhere(t *testing.T) {
	each(t, func(t *testing.T, m switchyard.Model) {
		testenv.Check(t)
		for range 10 {
			var s switchyard.Server
			closed := make(chan struct{})
			o := switchyard.Options{SpinsPerMilli: 1000, Workers: 3, Ready: func(netip.AddrPort) {
				s.Close() // from within Serve
				close(closed)
			}}
			var err error
			if s, err = m.New(o); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() { <-closed; s.Close() })
			}
			wg.Go(func() { <-closed; cancel() })
			if err := s.Serve(ctx); !errors.Is(err, switchyard.ErrServerClosed) {
				t.Fatalf("serve after close: %v", err)
			}
			wg.Wait()
			if err := s.Serve(ctx); !errors.Is(err, switchyard.ErrServerClosed) {
				t.Fatalf("serve again: %v", err)
			}
			s.Close()
		}
		s, err := m.New(switchyard.Options{SpinsPerMilli: 1000})
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
		s.Close()
		if err := s.Serve(context.Background()); !errors.Is(err, switchyard.ErrServerClosed) {
			t.Fatalf("serve after close: %v", err)
		}
	})
}

// A drain answers what was begun, within the grace, and a long sleep does not outlast it.
func TestDrain(t *testing.T) {
	each(t, func(t *testing.T, m switchyard.Model) {
		r := serve(t, m, switchyard.Options{Grace: 500 * time.Millisecond})
		idle, begun, reading := r.dial(), r.dial(), r.dial()
		idle.get()
		begun.send("GET / HTTP/1.1\r\nHost:")
		reading.send("GET /bytes?n=8000000 HTTP/1.1\r\n\r\n")
		if _, _, err := reading.head(); err != nil {
			t.Fatal(err)
		}
		idle.get() // the loop has seen what the others sent
		r.Cancel()
		if _, err := idle.r.ReadByte(); err != io.EOF {
			t.Errorf("the idle connection is not closed: %v", err)
		}
		begun.send(" here\r\n\r\n")
		if err := begun.reply(); err != nil {
			t.Errorf("the request that was begun: %v", err)
		}
		if _, err := io.CopyN(io.Discard, reading.r, 8_000_000); err != nil {
			t.Errorf("the reply that was begun: %v", err)
		}
		r.stop()
	})
	each(t, func(t *testing.T, m switchyard.Model) {
		r := serve(t, m, switchyard.Options{Grace: 50 * time.Millisecond})
		c := r.dial()
		c.send("GET /sleep?ms=60000 HTTP/1.1\r\n\r\n")
		testenv.Eventually(t, "it is accepted", func() bool { return r.count.Active() == 1 })
		r.stop() // fails the test if it takes too long
	})
}
