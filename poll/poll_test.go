package poll

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"switchyard"
	"switchyard/internal/testenv"
	"switchyard/internal/testenv/testserver"
)

func TestMain(m *testing.M) {
	os.Exit(testenv.Main(m, map[string]func() int{"few tasks": fewTasksProgram}))
}

const (
	wantBody = "one more served"
	request  = "GET / HTTP/1.1\r\n\r\n"
	patience = testenv.Patience
)

// models are those of this package that can run here.
func models(t *testing.T) []switchyard.Model {
	var list []switchyard.Model
	for _, m := range switchyard.Models() {
		if strings.HasPrefix(m.Name, "poll/") && m.Available() == nil {
			list = append(list, m)
		}
	}
	if len(list) < 6 {
		t.Fatalf("%d models can run here, want all but perhaps poll/io_uring", len(list))
	}
	return list
}

func each(t *testing.T, f func(*testing.T, switchyard.Model)) {
	for _, m := range models(t) {
		t.Run(strings.TrimPrefix(m.Name, "poll/"), func(t *testing.T) { f(t, m) })
	}
}

func model(t *testing.T, name string) switchyard.Model {
	t.Helper()
	m, ok := switchyard.Lookup(name)
	if !ok {
		t.Fatalf("no model %s", name)
	}
	if name == "poll/io_uring" {
		if err := m.Available(); err != nil {
			testenv.Skip(t, "no io_uring", uringBySystemCall)
		}
	}
	return m
}

// running is a server that serves until the test ends.
type running struct {
	*testserver.Server
	t     *testing.T
	addr  string
	count *switchyard.Counters
}

// serve runs a server of m; at the end of the test it must drain and leave nothing behind.
func serve(t *testing.T, m switchyard.Model, o switchyard.Options) *running {
	t.Helper()
	s := testserver.Serve(t, m.New, o)
	return &running{s, t, s.Address, s.Counters}
}

// stop drains the server.
func (r *running) stop() {
	r.t.Helper()
	if err := r.Drain(); err != nil {
		r.t.Errorf("serve: %v", err)
	}
}

// client is a connection with deadlines that end a test, not a run.
type client struct {
	*net.TCPConn
	t testing.TB
	r *bufio.Reader
}

func (r *running) dial() *client {
	r.t.Helper()
	c := r.Dial()
	return &client{TCPConn: c, t: r.t, r: bufio.NewReader(c)}
}

func (c *client) send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatal(err)
	}
}

// head reads a reply's head and returns its status and length.
func (c *client) head() (status, length int, err error) {
	if _, err := fmt.Fscanf(c.r, "HTTP/1.1 %d", &status); err != nil {
		return 0, 0, err
	}
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			return 0, 0, err
		}
		if line == "\r\n" {
			return status, length, nil
		}
		fmt.Sscanf(line, "Content-Length: %d", &length)
	}
}

// reply reads a reply to "/".
func (c *client) reply() error {
	status, length, err := c.head()
	if err != nil {
		return err
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(c.r, body); err != nil {
		return err
	}
	if status != 200 || string(body) != wantBody {
		return fmt.Errorf("reply %d %q", status, body)
	}
	return nil
}

func (c *client) get() {
	c.t.Helper()
	c.send(request)
	if err := c.reply(); err != nil {
		c.t.Fatal(err)
	}
}

// A client that sends far more than is read in one turn, and then nothing, is answered in full:
// what is left is not forgotten for want of another event.
func TestLongPipelineThenSilence(t *testing.T) {
	each(t, func(t *testing.T, m switchyard.Model) {
		r := serve(t, m, switchyard.Options{})
		c := r.dial()
		const n = 20_000 // 360 kB of requests, 1.6 MB of replies
		go io.WriteString(c, strings.Repeat(request, n))
		for i := range n {
			if err := c.reply(); err != nil {
				t.Fatalf("reply %d of %d: %v", i, n, err)
			}
		}
		c.Close()
		testenv.Eventually(t, "requests are counted", func() bool {
			return r.count.Requests.Load() == n
		})
	})
}

// Clients that do not read are not served, and cost the others nothing.
func TestClientsThatDoNotRead(t *testing.T) {
	each(t, func(t *testing.T, m switchyard.Model) {
		r := serve(t, m, switchyard.Options{Workers: 2})
		const clients, n, extra = 8, 12 << 20, 2000
		var slow []*client
		for range clients {
			c := r.dial()
			// A pipeline behind a reply that does not fit any socket's buffer.
			c.send(fmt.Sprintf("GET /bytes?n=%d HTTP/1.1\r\n\r\n", n))
			c.send(strings.Repeat(request, extra))
			slow = append(slow, c)
		}
		for range 20 {
			r.dial().get()
		}
		var wg sync.WaitGroup
		for _, c := range slow {
			wg.Go(func() {
				_, length, err := c.head()
				if err != nil || length != n {
					t.Errorf("length %d: %v", length, err)
					return
				}
				if _, err := io.CopyN(io.Discard, c.r, n); err != nil {
					t.Error(err)
					return
				}
				for i := range extra {
					if err := c.reply(); err != nil {
						t.Errorf("reply %d behind the long one: %v", i, err)
						return
					}
				}
			})
		}
		wg.Wait()
	})
}

// One client that takes all it can get does not keep others waiting.
func TestGreedyClient(t *testing.T) {
	each(t, func(t *testing.T, m switchyard.Model) {
		r := serve(t, m, switchyard.Options{Workers: 1})
		greedy := r.dial()
		greedy.send("GET /bytes?n=1073741824 HTTP/1.1\r\n\r\n")
		var got int64
		end := make(chan struct{})
		go func() {
			defer close(end)
			got, _ = io.Copy(io.Discard, greedy.r)
		}()
		for range 10 {
			r.dial().get()
		}
		greedy.CloseWrite()
		greedy.SetDeadline(time.Now()) // enough
		<-end
		if got >= 1<<30 {
			t.Errorf("the greedy client had its whole reply, %d bytes, before ten short ones", got)
		}
	})
}

// Peers that vanish in the middle of anything disturb nobody.
func TestResets(t *testing.T) {
	each(t, func(t *testing.T, m switchyard.Model) {
		r := serve(t, m, switchyard.Options{Workers: 2})
		witness := r.dial()
		for i := range 40 {
			c := r.dial()
			switch i % 4 {
			case 0:
				c.send("GET / HT")
			case 1:
				c.send("GET /bytes?n=50000000 HTTP/1.1\r\n\r\n")
				if _, _, err := c.head(); err != nil {
					t.Fatal(err)
				}
			case 2:
				c.send("GET /bytes?n=50000000 HTTP/1.1\r\n\r\n" + strings.Repeat(request, 3000))
			}
			c.SetLinger(0) // closing resets
			c.Close()
			if i%8 == 0 {
				witness.get()
			}
		}
		witness.get()
		testenv.Eventually(t, "only the witness is open", func() bool {
			return r.count.Active() == 1
		})
	})
}

// A reset right behind input is noticed, however close.
func TestResetBehindInput(t *testing.T) {
	each(t, func(t *testing.T, m switchyard.Model) {
		r := serve(t, m, switchyard.Options{})
		witness := r.dial()
		witness.get()
		var clients sync.WaitGroup
		for range 4 {
			clients.Go(func() {
				for range 3001 {
					c, err := net.DialTimeout("tcp", r.addr, patience)
					if err != nil {
						t.Error(err)
						return
					}
					io.WriteString(c, "GET / HT")
					c.(*net.TCPConn).SetLinger(0)
					c.Close()
				}
			})
		}
		clients.Wait()
		witness.get()
		testenv.Eventually(t, "only the witness is open", func() bool {
			return r.count.Active() == 1
		})
	})
}

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

// At the limit one connection waits until another is closed; that is one pause.
func TestPauseAndResume(t *testing.T) {
	each(t, func(t *testing.T, m switchyard.Model) {
		r := serve(t, m, switchyard.Options{MaxConns: 4, Workers: 1})
		var open []*client
		for range 4 {
			c := r.dial()
			c.get()
			open = append(open, c)
		}
		for range 4 {
			waits := r.dial()
			waits.send(request)
			waits.SetReadDeadline(time.Now().Add(70 * time.Millisecond)) // longer than a pause
			if _, err := waits.r.Peek(1); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("a fifth connection is served: %v", err)
			}
			if a := r.count.Active(); a != 4 {
				t.Fatalf("%d connections are open, want 4", a)
			}
			waits.SetReadDeadline(time.Now().Add(patience))
			open[0].Close()
			open = append(open[1:], waits)
			if err := waits.reply(); err != nil {
				t.Fatal(err)
			}
		}
		if p := r.count.Paused.Load(); p == 0 || p > 8 {
			t.Errorf("%d pauses are counted, want one for each time the limit was met", p)
		}
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
