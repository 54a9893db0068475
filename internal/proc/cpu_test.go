package proc

import (
	"os"
	"os/exec"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestCPUTime(t *testing.T) {
	own := []int{os.Getpid()}
	before := CPUTime(own)
	var r0, r1 unix.Rusage
	unix.Getrusage(unix.RUSAGE_SELF, &r0)
	for start := time.Now(); time.Since(start) < 100*time.Millisecond; {
	}
	unix.Getrusage(unix.RUSAGE_SELF, &r1)
	used := CPUTime(own).Sub(before)
	want := time.Duration(r1.Utime.Nano() + r1.Stime.Nano() - r0.Utime.Nano() - r0.Stime.Nano())
	// The loop of other goroutines may run between the two readings.
	if used.Run < want || used.Run > want+50*time.Millisecond*time.Duration(runtime.NumCPU()) {
		t.Errorf("run %v, getrusage says %v", used.Run, want)
	}
	if user, system, ok := used.Split(); ok && user+system != used.Run {
		t.Errorf("user %v and system %v are not %v", user, system, used.Run)
	}
}

// A child that has ended and was not waited for keeps its CPU time, and its parent does not have it
// yet.
func TestCPUTimeOfZombie(t *testing.T) {
	cmd := exec.Command("sh", "-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT,
		nil); err != nil {
		t.Fatal(err)
	}
	living, err := Tree(os.Getpid())
	if err != nil || slices.Contains(living, cmd.Process.Pid) {
		t.Errorf("a zombie is among the living: %v, %v", living, err)
	}
	all, err := TreeWithZombies(os.Getpid())
	if err != nil || !slices.Contains(all, cmd.Process.Pid) {
		t.Errorf("%d is not among %v, %v", cmd.Process.Pid, all, err)
	}
	used := CPUTime([]int{cmd.Process.Pid})
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if want := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(); used.Run <= 0 ||
		used.Run < want-time.Millisecond || used.Run > want+time.Millisecond {
		t.Errorf("run %v, wait says %v", used.Run, want)
	}
	if again := CPUTime([]int{cmd.Process.Pid}); again.Run != 0 {
		t.Errorf("once it was waited for it has %v", again.Run)
	}
}
