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

func TestTree(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cmd.Process.Kill(); cmd.Wait() }()
	tree, err := Tree(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if tree[0] != os.Getpid() || !slices.Contains(tree, cmd.Process.Pid) || slices.Contains(tree, os.Getppid()) {
		t.Errorf("tree of %d with child %d: %v", os.Getpid(), cmd.Process.Pid, tree)
	}
	if _, err := Tree(1 << 30); err == nil {
		t.Error("a process that does not exist has a tree")
	}
}

func TestPSS(t *testing.T) {
	const size = 64 << 20
	before, err := PSS([]int{os.Getpid()})
	if err != nil {
		t.Fatal(err)
	}
	p, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(p)
	for i := 0; i < size; i += 4096 {
		p[i] = 1
	}
	after, err := PSS([]int{os.Getpid(), 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	if grown := after - before; grown < size*9/10 || grown > size*2 {
		t.Errorf("PSS grew by %d for %d bytes touched", grown, size)
	}
}

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

// A child that has ended and was not waited for keeps its CPU time, and its
// parent does not have it yet.
func TestCPUTimeOfZombie(t *testing.T) {
	cmd := exec.Command("sh", "-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
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
	if want := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(); used.Run <= 0 || used.Run < want-time.Millisecond || used.Run > want+time.Millisecond {
		t.Errorf("run %v, wait says %v", used.Run, want)
	}
	if again := CPUTime([]int{cmd.Process.Pid}); again.Run != 0 {
		t.Errorf("once it was waited for it has %v", again.Run)
	}
}

func TestParseMachine(t *testing.T) {
	got := parseMachine("cpu  1 2 3 40 5 6 7 8 100 200\ncpu0 9 9 9\n")
	ms := 10 * time.Millisecond
	if want := (Machine{Busy: (1 + 2 + 3 + 6 + 7) * ms, Idle: 45 * ms, Steal: 8 * ms}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestCPUList(t *testing.T) {
	for in, want := range map[string]string{"0": "0", "3,1-2": "1-3", "0-1,4,6-7": "0-1,4,6-7", "5,5": "5"} {
		if l, err := ParseCPUList(in); err != nil || l.String() != want {
			t.Errorf("%q: %v, %v, want %s", in, l, err, want)
		}
	}
	for _, in := range []string{"", "a", "1-", "-1", "2-1", "1,,2", "99999999"} {
		if l, err := ParseCPUList(in); err == nil {
			t.Errorf("%q gives %v", in, l)
		}
	}
	a, b := CPUList{0, 1, 2}.Halves()
	if a.String() != "0" || b.String() != "1-2" {
		t.Errorf("halves %v and %v", a, b)
	}
	allowed, err := Allowed()
	if err != nil || len(allowed) == 0 {
		t.Errorf("allowed %v, %v", allowed, err)
	}
}

// What this process may run on is among what the machine has.
func TestOnline(t *testing.T) {
	online, err := Online()
	if err != nil {
		t.Fatal(err)
	}
	allowed, err := Allowed()
	if err != nil {
		t.Fatal(err)
	}
	if not := allowed.Without(online); len(online) == 0 || len(not) > 0 {
		t.Errorf("online %s, allowed %s", online, allowed)
	}
}
