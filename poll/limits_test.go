package poll

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/testenv"
)

// One lack of descriptors is one pause, however often accepting is tried again, and whoever waits
// is served when it has passed.
func TestShortageIsOnePause(t *testing.T) {
	each(t, func(t *testing.T, m switchyard.Model) {
		var was unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
			t.Fatal(err)
		}
		// Before the server starts: an accept of io_uring goes by the limit there was when it was
		// armed.
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE,
			&unix.Rlimit{Cur: 256, Max: was.Max}); err != nil {
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
		testenv.Eventually(t, "the pause is counted", func() bool {
			return r.count.Paused.Load() > 0
		})
		// no state: what is looked for is what does not happen in that time
		time.Sleep(4 * switchyard.Pause)
		if n := r.count.Paused.Load(); n != 1 {
			t.Errorf("%d pauses are counted, want 1", n)
		}
		first.get()
		giveBack()
		late.get()
	})
}

// fewTasksProgram is a process of a user who may make 20 threads more. It asks for a loop on each
// of 500.
func fewTasksProgram() int {
	if err := testenv.LimitTasks(20); err != nil {
		fmt.Println(err)
		return 1
	}
	many, _ := switchyard.Lookup("poll/epoll-exclusive")
	if _, err := many.New(switchyard.Options{Workers: 500}); err == nil ||
		!strings.Contains(err.Error(), "RLIMIT_NPROC") {
		fmt.Printf("500 loops: %v, want an error that names RLIMIT_NPROC\n", err)
		return 1
	}
	few, err := many.New(switchyard.Options{Workers: 4})
	if err == nil {
		err = few.Close()
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// The kernel's limit on tasks is never met: the Go runtime would end the process.
func TestFewTasks(t *testing.T) {
	if out, err := testenv.Program(t, "few tasks").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// A limit on descriptors that is lowered below the number of those that are open ends no server:
// connections are served on, and once it is raised again new ones are.
func TestLimitIsLowered(t *testing.T) {
	each(t, func(t *testing.T, m switchyard.Model) {
		var was unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
			t.Fatal(err)
		}
		r := serve(t, m, switchyard.Options{Workers: 2})
		defer unix.Setrlimit(unix.RLIMIT_NOFILE, &was)
		var clients []*client
		for range 20 {
			c := r.dial()
			c.get()
			clients = append(clients, c)
		}
		for _, limit := range []uint64{8, 0} {
			if err := unix.Setrlimit(unix.RLIMIT_NOFILE,
				&unix.Rlimit{Cur: limit, Max: was.Max}); err != nil {
				t.Fatal(err)
			}
			clients[0].get() // a wait that has begun goes by the old limit
			testenv.Idle(t, fmt.Sprintf("limit %d", limit))
			for _, c := range clients {
				c.get()
			}
		}
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
			t.Fatal(err)
		}
		r.dial().get()
	})
}
