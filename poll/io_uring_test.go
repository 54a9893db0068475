package poll

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/sys"
	"switchyard/internal/testenv"
)

// uringBySystemCall asks whether the kernel makes a ring at all.
func uringBySystemCall() error {
	r, err := sys.NewUring(1, 2)
	if err == nil {
		r.Close()
	}
	return err
}

func TestExplainUring(t *testing.T) {
	for _, c := range []struct {
		err     error
		setting string
		want    string
	}{
		{syscall.EPERM, "2", "sysctl kernel.io_uring_disabled=0"},
		{syscall.EPERM, "1", "kernel.io_uring_group"},
		{syscall.EPERM, "0", "seccomp"},
		{syscall.EPERM, "", "seccomp"},
		{syscall.EACCES, "0", "security module"},
		{syscall.ENOSYS, "", "CONFIG_IO_URING"},
		{syscall.ENOMEM, "0", "ulimit -l"},
		{syscall.EMFILE, "0", "ulimit -n"},
		{syscall.EINVAL, "", "Linux 6.0"},
		{fmt.Errorf("features: %w", errors.ErrUnsupported), "", "too old"},
		{syscall.EIO, "0", "does not work"},
	} {
		wrapped := c.err
		if e, ok := c.err.(syscall.Errno); ok {
			wrapped = os.NewSyscallError("io_uring_setup", e)
		}
		got := explainUring(wrapped, c.setting)
		if !errors.Is(got, errors.ErrUnsupported) || !errors.Is(got, c.err) ||
			!strings.Contains(got.Error(), c.want) {
			t.Errorf("%v, setting %q: %q, want %q in it", c.err, c.setting, got, c.want)
		}
	}
}

// tiny is a server whose rings are as small as they can be.
func tiny(t *testing.T, c uringConfig) switchyard.Model {
	t.Helper()
	m := model(t, "poll/io_uring")
	m.New = func(o switchyard.Options) (switchyard.Server, error) {
		return newServer(design{name: m.Name, blocking: true, runner: func(b *base) runner {
			return newUringLoop(b, c)
		}}, o.WithDefaults())
	}
	return m
}

// Many more connections speak at once than there are buffers to receive into, places for
// submissions, or places for completions. Nothing is lost.
func TestUringShortages(t *testing.T) {
	for name, c := range map[string]uringConfig{
		"one buffer":      {submissions: 256, completions: 4096, buffers: 1, begin: 1},
		"growing buffers": {submissions: 256, completions: 4096, buffers: 64, begin: 1},
		"one submission":  {submissions: 1, completions: 4096, buffers: 64, begin: 16},
		"two completions": {submissions: 1, completions: 2, buffers: 64, begin: 16},
		"all":             {submissions: 1, completions: 2, buffers: 1, begin: 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := serve(t, tiny(t, c), switchyard.Options{})
			const clients, rounds, pipeline = 48, 20, 16
			var wg sync.WaitGroup
			for range clients {
				c := r.dial()
				wg.Go(func() {
					for range rounds {
						c.send(strings.Repeat(request, pipeline))
						for range pipeline {
							if err := c.reply(); err != nil {
								t.Error(err)
								return
							}
						}
					}
					c.Close()
				})
			}
			wg.Wait()
			testenv.Eventually(t, "all are closed", func() bool { return r.count.Active() == 0 })
			if n := r.count.Requests.Load(); n != clients*rounds*pipeline {
				t.Errorf("%d requests counted, want %d", n, clients*rounds*pipeline)
			}
		})
	}
}

// Replies in flight keep their memory: each byte that arrives late is the one that was sent,
// however much was sent to others meanwhile.
func TestUringBuffersInFlight(t *testing.T) {
	r := serve(t, model(t, "poll/io_uring"), switchyard.Options{Protocol: switchyard.Echo})
	const clients, size = 16, 3 << 20
	var wg sync.WaitGroup
	for i := range clients {
		c := r.dial()
		wg.Go(func() {
			pattern := func(at int) byte { return byte(at*7+i) ^ byte(at>>8) }
			go func() {
				p := make([]byte, 32<<10)
				for at := 0; at < size; at += len(p) {
					for j := range p {
						p[j] = pattern(at + j)
					}
					if _, err := c.Write(p); err != nil {
						t.Error(err)
						return
					}
				}
			}()
			p := make([]byte, size)
			if _, err := io.ReadFull(c.r, p); err != nil {
				t.Error(err)
				return
			}
			for at, b := range p {
				if b != pattern(at) {
					t.Errorf("client %d: byte %d is %#x, want %#x", i, at, b, pattern(at))
					return
				}
			}
		})
	}
	wg.Wait()
}

// Closing cancels what is in flight, and nothing is left of it.
func TestUringCloseWithOperationsInFlight(t *testing.T) {
	r := serve(t, model(t, "poll/io_uring"), switchyard.Options{})
	for i := range 32 {
		c := r.dial()
		switch i % 3 {
		case 0:
			c.send("GET /bytes?n=100000000 HTTP/1.1\r\n\r\n") // a send that waits
		case 1:
			c.send("GET / HT")
		}
	}
	testenv.Eventually(t, "all are served", func() bool { return r.count.Active() == 32 })
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	// The kernel has let go of the address.
	fd, _, err := sys.Listen(r.addr, sys.ListenConfig{})
	if err != nil {
		t.Error(err)
	} else {
		unix.Close(fd)
	}
	if err := r.Wait(); !errors.Is(err, switchyard.ErrServerClosed) {
		t.Errorf("serve: %v", err)
	}
}
