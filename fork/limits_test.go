package fork

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/sys"
	"switchyard/internal/testenv"
)

func TestMaxConns(t *testing.T) {
	each(t, func(t *testing.T, model string) {
		r := serve(t, model, switchyard.Options{MaxConns: 2, Workers: 5})
		if n, _ := switchyard.Lookup(model); n.Capacity(switchyard.Options{MaxConns: 2,
			Workers: 5}) != 2 {
			t.Errorf("it says that it serves %d at once",
				n.Capacity(switchyard.Options{MaxConns: 2, Workers: 5}))
		}
		a, b := r.open(), r.open()
		a.get("/", "one")
		b.get("/", "one")
		third := r.dial()
		third.send("/")
		third.SetReadDeadline(time.Now().Add(150 * time.Millisecond))
		if _, err := third.r.Peek(1); err == nil {
			t.Error("a third connection is served")
		}
		if n := r.counters.Active(); n != 2 {
			t.Errorf("%d connections at once", n)
		}
		if n := r.counters.Paused.Load(); n != 1 {
			t.Errorf("%d pauses, want 1", n)
		}
		third.SetDeadline(time.Now().Add(20 * time.Second))
		a.Close()
		b.Close()
		if body, err := third.receive(); err != nil || !strings.HasPrefix(body, "one") {
			t.Errorf("when there is room again: %q, %v", body, err)
		}
	})
}

// TestForkFails has the kernel refuse some forks.
func TestForkFails(t *testing.T) {
	testenv.Check(t)
	if err := have(); err != nil {
		t.Skip(err)
	}
	for _, failing := range []syscall.Errno{syscall.EAGAIN, syscall.ENOMEM} {
		left := 3
		refuse := func(s *server, i int, f func(*worker) (int, syscall.Errno)) syscall.Errno {
			if left > 0 {
				left--
				return failing
			}
			return s.make(i, f)
		}
		for name, build := range map[string]func(switchyard.Options) (*server, error){
			"a child for each connection": func(opts switchyard.Options) (*server, error) {
				return newConnections(opts.WithDefaults(), func(s *server, i int) syscall.Errno {
					return refuse(s, i, (*worker).perConn)
				})
			},
			"a pool": func(opts switchyard.Options) (*server, error) {
				return newPool(opts.WithDefaults(), 1, sys.ListenConfig{},
					func(s *server, i int) syscall.Errno { return refuse(s, i, (*worker).prefork) })
			},
		} {
			t.Run(fmt.Sprint(name, ", ", failing), func(t *testing.T) {
				left = 3
				r := serveWith(t, func(opts switchyard.Options) (switchyard.Server, error) {
					return build(opts)
				}, switchyard.Options{Workers: 1})
				r.dial().get("/", "one")
				if n := r.counters.Paused.Load(); n != 1 {
					t.Errorf("%d pauses, want 1", n)
				}
				if err := r.Drain(); err != nil {
					t.Error(err)
				}
				if n := r.counters.Forks.Load(); n != 1 {
					t.Errorf("%d forks, want 1", n)
				}
			})
		}
	}
	t.Run("for good", func(t *testing.T) {
		r := serveWith(t, func(opts switchyard.Options) (switchyard.Server, error) {
			return newConnections(opts.WithDefaults(), func(*server, int) syscall.Errno {
				return syscall.EPERM
			})
		}, switchyard.Options{})
		r.dial()
		if err := r.Wait(); err == nil || !strings.Contains(err.Error(), "clone") {
			t.Errorf("Serve: %v", err)
		}
		if n := r.counters.Active(); n != 0 {
			t.Errorf("%d active", n)
		}
	})
}

// TestDrainWhileForksFail stops a server that has a connection and cannot fork.
func TestDrainWhileForksFail(t *testing.T) {
	testenv.Check(t)
	r := serveWith(t, func(opts switchyard.Options) (switchyard.Server, error) {
		return newConnections(opts.WithDefaults(), func(*server, int) syscall.Errno {
			return syscall.EAGAIN
		})
	}, switchyard.Options{})
	r.dial()
	testenv.Eventually(t, "accepted", func() bool { return r.counters.Accepted.Load() == 1 })
	if err := r.Drain(); err != nil {
		t.Error(err)
	}
	if n := r.counters.Active(); n != 0 {
		t.Errorf("%d active", n)
	}
}

// TestTaskLimit reaches RLIMIT_NPROC in earnest.
func TestTaskLimit(t *testing.T) {
	if err := have(); err != nil {
		t.Skip(err)
	}
	testenv.Check(t)
	const room = 4
	p := startServing(t, testenv.Program(t, "tasks", "fork/per-conn", strconv.Itoa(room)))
	var open []*client
	for range room {
		c := p.dial()
		c.get("/", "one")
		open = append(open, c)
	}
	c := p.dial()
	c.send("/")
	c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	if _, err := c.r.Peek(1); err == nil {
		t.Error("served beyond the limit")
	}
	for _, c := range open {
		c.get("/", "one")
		c.Close()
	}
	c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := c.receive(); err != nil {
		t.Errorf("when there is room again: %v", err)
	}
	c.Close()
	if got, want := p.finish(), fmt.Sprintf("paused 1 forks %d", room+1); got != want {
		t.Errorf("it counted %q, want %q", got, want)
	}
}

// TestDescriptorLimit reaches RLIMIT_NOFILE in the accepting process.
func TestDescriptorLimit(t *testing.T) {
	for _, model := range []string{"fork/per-conn", "fork/exec", "fork/fd-pass"} {
		t.Run(strings.TrimPrefix(model, "fork/"), func(t *testing.T) {
			testenv.Check(t)
			r := serve(t, model, switchyard.Options{Workers: 2})
			r.dial().get("/", "one")
			// An accept that blocks already has its descriptor, so the first connection takes that.
			// (A program that is executed for it would not start at such a limit.)
			first, second := newSocket(t), newSocket(t)
			var was unix.Rlimit
			if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
				t.Fatal(err)
			}
			// Descriptors 0 and up are taken: none is free below the limit.
			limit := was
			limit.Cur = 3
			if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
				t.Fatal(err)
			}
			restore := func() { unix.Setrlimit(unix.RLIMIT_NOFILE, &was) }
			defer restore()
			addr := netip.MustParseAddrPort(r.addr)
			for _, fd := range []int{first, second} {
				if err := unix.Connect(fd, &unix.SockaddrInet4{Addr: addr.Addr().As4(),
					Port: int(addr.Port())}); err != nil {
					t.Fatal(err)
				}
				unix.Write(fd, []byte("GET / HTTP/1.0\r\n\r\n"))
			}
			testenv.Eventually(t, "it pauses", func() bool { return r.counters.Paused.Load() > 0 })
			// no state: another pause must not be counted in the time of two
			time.Sleep(120 * time.Millisecond)
			if n := r.counters.Paused.Load(); n != 1 {
				t.Errorf("%d pauses, want 1", n)
			}
			restore()
			if n, err := unix.Read(second, make([]byte, 100)); n <= 0 {
				t.Errorf("when there are descriptors again: %d, %v", n, err)
			}
		})
	}
}

func newSocket(t *testing.T) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// A limit on descriptors that is lowered below the number of those the parent waits for ends
// nothing and keeps no CPU busy.
func TestLimitIsLowered(t *testing.T) {
	each(t, func(t *testing.T, model string) {
		var was unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
			t.Fatal(err)
		}
		r := serve(t, model, switchyard.Options{Workers: 12})
		defer unix.Setrlimit(unix.RLIMIT_NOFILE, &was)
		var clients []*client
		for range 12 {
			c := r.open()
			c.get("/", "one")
			clients = append(clients, c)
			if model == "fork/reuseport" { // others may wait behind it
				break
			}
		}
		for _, limit := range []uint64{8, 0} {
			if err := unix.Setrlimit(unix.RLIMIT_NOFILE,
				&unix.Rlimit{Cur: limit, Max: was.Max}); err != nil {
				t.Fatal(err)
			}
			last := len(clients) - 1 // its worker wakes the parent
			closed := r.counters.Closed.Load()
			clients[last].Close()
			clients = clients[:last]
			testenv.Eventually(t, "it is closed", func() bool {
				return r.counters.Closed.Load() > closed
			})
			testenv.Idle(t, fmt.Sprintf("limit %d", limit))
			for _, c := range clients {
				c.get("/", "one")
			}
			if len(clients) == 0 {
				break
			}
		}
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
			t.Fatal(err)
		}
		r.dial().get("/", "one")
		if n := r.counters.Crashed.Load(); n > 0 {
			t.Errorf("%d workers crashed", n)
		}
		if err := r.Drain(); err != nil {
			t.Error(err)
		}
	})
}
