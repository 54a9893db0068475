package fork

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"switchyard"
	"switchyard/internal/testenv"
	"switchyard/internal/testenv/testserver"
)

func TestMain(m *testing.M) {
	Child()
	os.Exit(testenv.Main(m, programs))
}

// running is a server that serves until the test ends.
type running struct {
	*testserver.Server
	t        *testing.T
	addr     string
	counters *switchyard.Counters
}

// serve starts a server of a model.
func serve(t *testing.T, name string, opts switchyard.Options) *running {
	t.Helper()
	m, ok := switchyard.Lookup(name)
	if !ok {
		t.Fatalf("no model %s", name)
	}
	if err := m.Available(); err != nil {
		if raceEnabled || unoptimised() != "" {
			t.Skipf("%s: %v", name, err)
		}
		t.Fatalf("%s: %v", name, err)
	}
	return serveWith(t, m.New, opts)
}

// serveWith is serve for a server that is not registered.
func serveWith(t *testing.T, build func(switchyard.Options) (switchyard.Server, error),
	opts switchyard.Options) *running {
	t.Helper()
	s := testserver.Serve(t, build, opts)
	return &running{s, t, s.Address, s.Counters}
}

// client is a connection that speaks HTTP by hand.
type client struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

func (r *running) dial() *client {
	r.t.Helper()
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(20 * time.Second))
	r.t.Cleanup(func() { c.Close() })
	return &client{r.t, c, bufio.NewReader(c)}
}

// open is dial for a test that needs several connections served at once. The kernel deals
// connections to the workers of fork/reuseport whether they are free or not: where one waits for a
// worker that is busy, it is given up for another.
func (r *running) open() *client {
	r.t.Helper()
	for range 50 {
		before := r.counters.Accepted.Load()
		c := r.dial()
		accepted := func() bool { return r.counters.Accepted.Load() > before }
		testenv.Eventually(r.t, "the connection is accepted, or its worker busy", func() bool {
			// The queue that it waits in is a worker's own. One that is free and sleeps has none.
			return len(r.inside().listeners) > 1 && r.asleep() || accepted()
		})
		if accepted() {
			return c
		}
		c.Close()
	}
	r.t.Fatal("no worker is free")
	return nil
}

// asleep reports whether all of the server's children are.
func (r *running) asleep() bool {
	for _, pid := range r.pids() {
		if !testenv.Asleep(pid) {
			return false
		}
	}
	return true
}

func (c *client) send(path string) {
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: test\r\n\r\n", path)
}

func (c *client) receive() (string, error) {
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	return string(body), err
}

// get asks and wants an answer that begins with want.
func (c *client) get(path, want string) {
	c.t.Helper()
	c.send(path)
	body, err := c.receive()
	if err != nil || !strings.HasPrefix(body, want) {
		c.t.Fatalf("get %s: %q, %v; want %q", path, body, err, want)
	}
}

var all = []string{"fork/per-conn", "fork/exec", "fork/prefork", "fork/prefork-flock",
	"fork/prefork-futex", "fork/fd-pass", "fork/reuseport"}

// each runs a test for every design.
func each(t *testing.T, f func(t *testing.T, model string)) {
	for _, name := range all {
		t.Run(strings.TrimPrefix(name, "fork/"), func(t *testing.T) {
			testenv.Check(t)
			f(t, name)
		})
	}
}

// inside is the server behind the interface.
func (r *running) inside() *server { return r.Server.Server.(*server) }

// pids lists the server's children by their slots.
func (r *running) pids() map[int]int {
	m := map[int]int{}
	r.inside().children.each(func(pid int, c child) { m[c.slot] = pid })
	return m
}

// comm is a process' name.
func comm(pid int) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return strings.TrimSpace(string(b))
}

// pools are the designs with workers.
var pools = all[2:]

// has reports whether a list of models has one.
func has(list []string, model string) bool { return slices.Contains(list, model) }

func TestServes(t *testing.T) {
	each(t, func(t *testing.T, model string) {
		r := serve(t, model, switchyard.Options{Workers: 3})
		for range 5 {
			c := r.dial()
			c.get("/", "one more served")
			c.get("/sleep?ms=1", "slept")
			c.get("/bytes?n=200000", "")
			c.Close()
		}
		testenv.Eventually(t, "all closed", func() bool { return r.counters.Closed.Load() == 5 })
		if err := r.Drain(); err != nil {
			t.Fatal(err)
		}
		if n := r.counters.Requests.Load(); n != 15 {
			t.Errorf("%d requests, want 15", n)
		}
		if n := r.counters.Accepted.Load(); n != 5 {
			t.Errorf("%d accepted, want 5", n)
		}
	})
}
