package testenv

import (
	"errors"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"switchyard/internal/sys"
)

// A thread that waits is told from one that runs, and where it waits is known.
func TestBlocked(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	fd := int(r.Fd()) // which makes it a blocking one
	self, tids := os.Getpid(), make(chan int)
	for name, run := range map[string]func(){
		"sy-reads": func() { sys.RawRead(fd, make([]byte, 1)) },
		"sy-spins": func() {
			for b := make([]byte, 1); ; {
				if n, _ := unix.Read(fd, b); n > 0 {
					return
				}
			}
		},
	} {
		if name == "sy-spins" {
			unix.SetNonblock(fd, true)
		}
		done := sys.Thread(name, func() { tids <- sys.Gettid(); run() })
		tid := <-tids
		if name == "sy-reads" {
			Eventually(t, "it waits for a byte", func() bool {
				call, ok := Blocked(self, tid)
				return ok && call == unix.SYS_READ
			})
			if got := ThreadNamed(self, name); got != tid {
				t.Errorf("thread %s is %d, want %d", name, got, tid)
			}
		} else {
			// The collector may stop it for a moment.
			Eventually(t, "one that spins is seen to run", func() bool {
				_, ok := Blocked(self, tid)
				return !ok
			})
		}
		w.Write([]byte("x"))
		<-done
		if name == "sy-spins" {
			unix.SetNonblock(fd, false)
		}
		Eventually(t, "it has ended", func() bool { _, ok := Blocked(self, tid); return ok })
	}
}

func TestAsleep(t *testing.T) {
	cmd := exec.Command("sleep", "4242")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	Eventually(t, "sleep sleeps", func() bool {
		return In(pid, unix.SYS_CLOCK_NANOSLEEP, unix.SYS_NANOSLEEP)
	})
	if !Asleep(pid) {
		t.Error("a process is blocked, and not asleep")
	}
	cmd.Process.Kill()
	cmd.Wait()
	if !Asleep(pid) {
		t.Error("a process that has ended is not asleep")
	}
	if Asleep(os.Getpid()) {
		t.Error("this process is asleep")
	}
}

// What runs in the background is stopped, and its error is not lost.
func TestStart(t *testing.T) {
	for _, c := range []struct {
		err    error
		ask    bool
		errors int
	}{{nil, false, 0}, {errors.New("no"), false, 1}, {errors.New("no"), true, 0}} {
		var r recorder
		end := make(chan struct{})
		b := Start(&r, func() error { <-end; return c.err }, sync1(end))
		if c.ask {
			close(end)
			if err := b.Wait(); err != c.err {
				t.Errorf("Wait: %v, want %v", err, c.err)
			}
		}
		for _, f := range r.cleanups {
			f()
		}
		if len(r.errors) != c.errors {
			t.Errorf("%+v: errors %q", c, r.errors)
		}
	}
}

// sync1 closes a channel unless it is closed.
func sync1(c chan struct{}) func() {
	return func() {
		select {
		case <-c:
		default:
			close(c)
		}
	}
}
