package poll

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"switchyard"
	"switchyard/internal/testenv"
)

// With EPOLLEXCLUSIVE a connection wakes one loop, not all that wait.
func TestExclusiveWakesOne(t *testing.T) {
	const loops, conns = 4, 200
	r := serve(t, model(t, "poll/epoll-exclusive"), switchyard.Options{Workers: loops})
	if n := r.count.Threads.Load(); n != loops {
		t.Errorf("%d loops, want %d", n, loops)
	}
	want := []string{"sy-loop/0", "sy-loop/1", "sy-loop/2", "sy-loop/3"}
	if names := testenv.Threads(); !slices.Equal(names, want) {
		t.Errorf("threads %q, want %q", names, want)
	}
	for range conns {
		c := r.dial()
		c.get()
		c.Close()
	}
	if n := r.count.Accepted.Load(); n != conns {
		t.Errorf("%d accepted, want %d", n, conns)
	}
	// Were all woken each time, three of four would find nothing: 600.
	if n := r.count.EmptyWake.Load(); n > conns {
		t.Errorf("%d wake-ups for nothing for %d connections", n, conns)
	}
}

// listeners is how many sockets listen on the port.
func listeners(t *testing.T, addr string) int {
	t.Helper()
	table, err := os.ReadFile("/proc/self/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	var port int
	fmt.Sscanf(addr[strings.LastIndexByte(addr, ':')+1:], "%d", &port)
	n := 0
	for line := range bytes.Lines(table) {
		f := strings.Fields(string(line))
		if len(f) > 3 && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", port)) && f[3] == "0A" {
			n++
		}
	}
	return n
}

// With SO_REUSEPORT the kernel spreads connections over the loops: while one loop sleeps, the
// connections of the others, and only those, are served.
func TestReuseportSpreads(t *testing.T) {
	const conns = 64
	r := serve(t, model(t, "poll/epoll-reuseport"), switchyard.Options{Workers: 2})
	if n := listeners(t, r.addr); n != 2 {
		t.Errorf("%d listeners, want 2", n)
	}
	sleeper := r.dial()
	sleeper.get()
	sleeper.send("GET /sleep?ms=4000 HTTP/1.1\r\n\r\n")
	var served atomic.Int32
	var wg sync.WaitGroup
	for range conns {
		c := r.dial()
		c.send(request)
		wg.Go(func() {
			if err := c.reply(); err != nil {
				t.Error(err)
			}
			served.Add(1)
		})
	}
	woken := make(chan error, 1)
	go func() {
		_, _, err := sleeper.head()
		woken <- err
	}()
	// The loop that is awake has answered its own when no more answers come; the other still sleeps
	// then.
	during := int32(-1)
	for n := served.Load(); n == 0 || n != during; n = served.Load() {
		during = n
		select {
		case err := <-woken:
			t.Fatalf("the loop that slept was awake after %d answers: %v", n, err)
		case <-time.After(500 * time.Millisecond):
		}
	}
	if during == 0 || during == conns {
		t.Errorf("%d of %d connections were served while one of two loops slept", during, conns)
	}
	if err := <-woken; err != nil {
		t.Error(err)
	}
	wg.Wait()
}

// An edge-triggered loop is told once: a request that comes in pieces, each while the last is being
// answered, is never left lying.
func TestEdgesAreNotMissed(t *testing.T) {
	r := serve(t, model(t, "poll/epoll-et"), switchyard.Options{})
	var wg sync.WaitGroup
	for i := range 8 {
		c := r.dial()
		wg.Go(func() {
			for j := range 300 {
				cut := 1 + (i+j)%(len(request)-1)
				c.send(request + request[:cut])
				if err := c.reply(); err != nil {
					t.Error(err)
					return
				}
				c.send(request[cut:])
				if err := c.reply(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}
