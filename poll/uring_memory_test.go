package poll

import (
	"bytes"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/sys"
)

// stepped is a loop of io_uring that the test runs turn by turn, so that it may look at what it
// holds between two.
type stepped struct {
	t testing.TB
	*uringLoop
}

func newStepped(t *testing.T) *stepped {
	t.Helper()
	m := model(t, "poll/io_uring")
	runtime.LockOSThread() // the ring's
	s, err := bind(design{name: m.Name, blocking: true},
		switchyard.Options{SpinsPerMilli: 1}.WithDefaults())
	if err != nil {
		t.Fatal(err)
	}
	u := newUringLoop(s.loops[0], uringDefaults).(*uringLoop)
	if err := u.open(); err != nil {
		t.Fatal(err)
	}
	u.watchWake()
	u.armAccept()
	t.Cleanup(func() {
		u.end()
		u.close()
		s.release()
		runtime.UnlockOSThread()
	})
	return &stepped{t, u}
}

// turn waits a little for completions and returns how many there were.
func (u *stepped) turn() int {
	u.t.Helper()
	if e := u.ring.Wait(sys.LetGo, int64(10*time.Millisecond)); e != 0 {
		if err := u.enterFailed(e); err != nil {
			u.t.Fatal(err)
		}
	}
	n := u.reap()
	u.endTurn(u)
	return n
}

// held is the bytes of memory that the loop owns for input and output.
func (u *stepped) held() (n int) {
	for _, b := range u.backlogs.all {
		n += cap(b.buf)
	}
	for _, c := range u.out.chunks {
		n += len(c.mem)
	}
	return n + u.given*switchyard.InSize
}

// Clients that pipeline and do not read cost what they cost a loop on readiness, a buffer for input
// and one for output, and when they have gone nothing.
func TestUringMemoryOfClientsThatDoNotRead(t *testing.T) {
	for name, unbounded := range map[string]bool{"receives with a bound": false,
		"an older kernel": true} {
		t.Run(name, func(t *testing.T) {
			u := newStepped(t)
			u.unbounded = unbounded
			const clients = 64
			var fds []int
			closeAll := func() {
				for _, fd := range fds {
					unix.Close(fd)
				}
				fds = nil
			}
			defer func() { closeAll() }()
			for range clients {
				fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
				if err != nil {
					t.Fatal(err)
				}
				fds = append(fds, fd)
				unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 4096)
				if err := unix.Connect(fd, sockaddrOf(u.srv)); err != nil {
					t.Fatal(err)
				}
				unix.SetNonblock(fd, true)
			}
			for u.live < clients {
				u.turn()
			}
			const fixed = (keepBuffers + 2*clients) * switchyard.InSize // what receives fill
			flood := bytes.Repeat([]byte(request), 4096)
			most, bound := 0, fixed+clients*(2*switchyard.InSize+switchyard.InSize/2+
				switchyard.OutSize)
			if unbounded {
				const burst = 33 * switchyard.InSize // one, of each
				bound = uringDefaults.buffers*switchyard.InSize +
					clients*(2*burst+switchyard.OutSize)
			}
			for quiet := false; !quiet; {
				quiet = true
				for _, fd := range fds {
					for {
						if n, err := unix.Write(fd, flood); n <= 0 || err != nil {
							if err != syscall.EAGAIN {
								t.Fatal(err)
							}
							break
						}
						quiet = false
					}
				}
				for u.turn() > 0 {
					quiet = false
				}
				most = max(most, u.held())
			}
			t.Logf("%d clients: at most %d KiB", clients, most>>10)
			if most > bound {
				t.Errorf("%d bytes held for %d clients, want %d at most", most, clients, bound)
			}
			closeAll()
			for u.live > 0 {
				u.turn()
			}
			left := keepBuffers*switchyard.InSize + (keepChunks+2)*switchyard.OutSize +
				clients*keepBacklog
			if n := u.held(); n > left {
				t.Errorf("%d bytes held when all are gone, want %d at most", n, left)
			}
			if u.given > keepBuffers {
				t.Errorf("%d receive buffers when all are gone, want %d at most", u.given,
					keepBuffers)
			}
		})
	}
}

// sockaddrOf is where a server listens.
func sockaddrOf(s *server) unix.Sockaddr {
	return &unix.SockaddrInet4{Port: int(s.addr.Port()), Addr: s.addr.Addr().As4()}
}
