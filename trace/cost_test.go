package trace_test

import (
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"switchyard/trace"
)

// BenchmarkCost measures what the probes add to a system call (getppid) and to a switch (ping-pong
// of two processes over pipes on one CPU: a write, a waking, a read and a switch each). Probes off
// and on are interleaved, and each figure is the least of many short runs: what other tasks on the
// machine add can only make it greater.
//
//	go test -run '^$' -bench Cost -benchtime 1x ./trace
func BenchmarkCost(b *testing.B) {
	session(b, trace.Options{Probes: []string{"syscall", "tlb"}}).Close()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var old, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &old); err != nil {
		b.Fatal(err)
	}
	defer unix.SchedSetaffinity(0, &old)
	one.Set(0)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		b.Fatal(err)
	}
	to, from, stop := startEcho(b)
	defer stop()

	syscalls := func() { getppids(1000) }
	switches := func() { exchange(to, from, 100) }
	configs := []struct {
		name     string
		opts     *trace.Options
		traced   bool
		best     [2]time.Duration
		sessions *trace.Session
	}{
		{name: "off"},
		{name: "sched-others", opts: &trace.Options{}},
		{name: "sched", opts: &trace.Options{}, traced: true},
		{name: "sched+tlb", opts: &trace.Options{Probes: []string{"tlb"}}, traced: true},
		{name: "sched+syscall-others", opts: &trace.Options{Probes: []string{"syscall"}}},
		{name: "sched+syscall", opts: &trace.Options{Probes: []string{"syscall"}}, traced: true},
		{name: "all", opts: &trace.Options{Probes: []string{"syscall", "tlb", "fault"}},
			traced: true},
	}
	for b.Loop() {
		for range 8 {
			for i := range configs {
				c := &configs[i]
				var s *trace.Session
				if c.opts != nil {
					s = session(b, *c.opts)
					if c.traced {
						if err := s.Follow(os.Getpid()); err != nil {
							b.Fatal(err)
						}
					}
					if err := s.Start(); err != nil {
						b.Fatal(err)
					}
				}
				for j, f := range []func(){syscalls, switches} {
					for range 200 {
						start := time.Now()
						f()
						if d := time.Since(start); c.best[j] == 0 || d < c.best[j] {
							c.best[j] = d
						}
					}
				}
				if s != nil {
					s.Close()
				}
			}
		}
	}
	for _, c := range configs {
		b.ReportMetric(float64(c.best[0])/1000, c.name+"-ns/syscall")
		b.ReportMetric(float64(c.best[1])/200, c.name+"-ns/switch")
	}
	b.ReportMetric(0, "ns/op")
}

// startEcho starts a process on the same CPU that sends back each byte.
func startEcho(b *testing.B) (to, from int, stop func()) {
	in, w, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	r, out, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "SWITCHYARD_TEST_PROGRAM=echo", "GODEBUG=asyncpreemptoff=1")
	cmd.ExtraFiles = []*os.File{in, out}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	in.Close()
	out.Close()
	return int(w.Fd()), int(r.Fd()), func() {
		w.Close()
		r.Close()
		cmd.Wait()
	}
}
