package load

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"switchyard/internal/testenv"
	"switchyard/internal/testenv/testserver"
)

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
