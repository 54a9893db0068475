package poll

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"switchyard"
)

// One lack of descriptors is one pause, however often accepting is tried again,
// and whoever waits is served when it has passed.
func TestShortageIsOnePause(t *testing.T) {
	each(t, func(t *testing.T, m switchyard.Model) {
		var was unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
			t.Fatal(err)
		}
		// Before the server starts: an accept of io_uring goes by the limit
		// there was when it was armed.
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 256, Max: was.Max}); err != nil {
			t.Fatal(err)
		}
		defer unix.Setrlimit(unix.RLIMIT_NOFILE, &was)
		r := serve(t, m, switchyard.Options{Workers: 1})
		first := r.dial()
		first.get()

		var taken []int
		giveBack := func() {
			for _, fd := range taken {
				unix.Close(fd)
			}
			taken = nil
		}
		defer giveBack()
		for {
			fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0)
			if err != nil {
				break
			}
			taken = append(taken, fd)
		}
		// The one that is free is the client's; the server finds none.
		last := len(taken) - 1
		unix.Close(taken[last])
		taken = taken[:last]
		late := r.dial()
		eventually(t, "the pause is counted", func() bool { return r.count.Paused.Load() > 0 })
		time.Sleep(4 * pauseTime)
		if n := r.count.Paused.Load(); n != 1 {
			t.Errorf("%d pauses are counted, want 1", n)
		}
		first.get()
		giveBack()
		late.get()
	})
}
