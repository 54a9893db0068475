package poll

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/sys"
	"switchyard/internal/testenv"
)

// fill opens descriptors until all below sys.FDSetSize are taken but for so many, which it leaves
// free.
func fill(t *testing.T, free int) {
	t.Helper()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	const want = sys.FDSetSize + 512
	if limit.Max < want {
		t.Fatalf("the hard limit on descriptors is %d, this test needs %d: ulimit -Hn",
			limit.Max, want)
	}
	if limit.Cur < want {
		old := limit
		limit.Cur = want
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Setrlimit(unix.RLIMIT_NOFILE, &old) })
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	var taken []int
	for {
		fd, err := unix.FcntlInt(null.Fd(), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		if fd >= sys.FDSetSize {
			unix.Close(fd)
			break
		}
		taken = append(taken, fd)
	}
	for range free {
		unix.Close(taken[len(taken)-1])
		taken = taken[:len(taken)-1]
	}
	t.Cleanup(func() {
		null.Close()
		for _, fd := range taken {
			unix.Close(fd)
		}
	})
}

// Connections whose descriptors do not fit are refused one by one, and those that do are served on.
func TestSelectAtFDSetSize(t *testing.T) {
	r := serve(t, model(t, "poll/select"), switchyard.Options{})
	first := r.dial()
	first.get()
	// Each connection takes two descriptors here: the client's and ours.
	const fit, more = 4, 5
	fill(t, 2*fit)
	var served []*client
	for range fit {
		c := r.dial()
		c.get()
		served = append(served, c)
	}
	for i := range more {
		c := r.dial()
		c.Write([]byte(request)) // may fail already
		if err := c.reply(); err == nil {
			t.Fatalf("connection %d beyond FD_SETSIZE is served", i)
		}
		testenv.Eventually(t, "the refusal is counted", func() bool {
			return r.count.Refused.Load() == uint64(i+1)
		})
	}
	for _, c := range append(served, first) {
		c.get()
	}
	// With a descriptor free again there is room again.
	served[0].Close()
	testenv.Eventually(t, "it is closed", func() bool { return r.count.Active() == fit })
	r.dial().get()
	if n := r.count.Refused.Load(); n != more {
		t.Errorf("%d refused, want %d", n, more)
	}
}

func TestSelectCannotListenBeyondFDSetSize(t *testing.T) {
	fill(t, 0)
	_, err := model(t, "poll/select").New(switchyard.Options{SpinsPerMilli: 1000})
	if err == nil || !strings.Contains(err.Error(), "FD_SETSIZE") {
		t.Fatalf("error %v, want one that names FD_SETSIZE", err)
	}
}

func TestSelectingBounds(t *testing.T) {
	p := new(selecting)
	if err := p.open(); err != nil {
		t.Fatal(err)
	}
	if e := p.add(1, sys.FDSetSize); !errors.Is(e, syscall.ERANGE) {
		t.Errorf("add 1024: %v", e)
	}
	for _, fd := range []int{3, 64, sys.FDSetSize - 1} {
		if e := p.add(int32(fd), fd); e != 0 {
			t.Errorf("add %d: %v", fd, e)
		}
		if p.nfds != fd+1 {
			t.Errorf("with %d nfds is %d", fd, p.nfds)
		}
	}
	p.turn(0, 64, true)
	p.remove(0, sys.FDSetSize-1)
	if p.nfds != 65 {
		t.Errorf("without 1023 nfds is %d", p.nfds)
	}
	p.remove(0, 64)
	p.remove(0, 3)
	if p.nfds != 0 || p.read != (sys.FDSet{}) || p.write != (sys.FDSet{}) {
		t.Errorf("empty: nfds %d, read %v, write %v", p.nfds, p.read, p.write)
	}
}
