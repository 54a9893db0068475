package trace_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"switchyard/internal/testenv"
	"switchyard/trace"
)

func task(t testing.TB, c *trace.Counts, name string) *trace.TaskTotals {
	t.Helper()
	for i := range c.Tasks {
		if c.Tasks[i].Name == name {
			return &c.Tasks[i]
		}
	}
	t.Fatalf("no task %s among %d", name, len(c.Tasks))
	return nil
}

func exactly(t testing.TB, what string, got, want uint64) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %d, want %d", what, got, want)
	}
}

func TestPingPong(t *testing.T) {
	for _, rounds := range []uint64{23, 1009} {
		t.Run(fmt.Sprint(rounds), func(t *testing.T) {
			s := session(t, trace.Options{Probes: []string{"syscall", "tlb"}})
			h := start(t, "ping", fmt.Sprint(rounds))
			c := window(t, s, h.pid(), func() { h.do(t, "") })

			// Each round both block once; then ping waits for the next line.
			a, b := task(t, c, "ping"), task(t, c, "pong")
			exactly(t, "ping's voluntary switches", a.Switches.Voluntary, rounds+1)
			exactly(t, "pong's voluntary switches", b.Switches.Voluntary, rounds)
			exactly(t, "ping's wake-ups", a.Wakeups+a.UnseenWakings, rounds+1)
			exactly(t, "pong's wake-ups", b.Wakeups, rounds)
			exactly(t, "pong's address-space switches", b.Switches.AddressSpace, rounds)
			// A task of a higher rank may come at any time: the kernel's watchdogs, say.
			exactly(t, "ping's involuntary switches, in the kernel's books", a.Switches.Involuntary,
				a.KernelInvoluntary)
			exactly(t, "pong's involuntary switches, in the kernel's books", b.Switches.Involuntary,
				b.KernelInvoluntary)
			exactly(t, "pong's migrations", b.Migrations.Total, 0)
			calls(t, "bytes written", c, "write", 2*rounds+1)
			if c.WakeupLatency.Count() < 2*rounds {
				t.Errorf("wake-up latencies: %d, want at least %d",
					c.WakeupLatency.Count(), 2*rounds)
			}
			if flushes := c.Values.Count("tlb_flushes") +
				c.Values.Count("tlb_kept"); c.Missing["tlb_flushes"] == "" && flushes < 2*rounds {
				t.Errorf("page tables loaded: %d, want at least %d", flushes, 2*rounds)
			}
			t.Log("wake-up latency:", &c.WakeupLatency)
		})
	}
}

func TestSyscalls(t *testing.T) {
	s := session(t, trace.Options{Probes: []string{"syscall", "tlb"}})
	h := start(t, "worker")
	start(t, "burner") // which calls getppid as fast as it can
	for _, n := range []uint64{23, 1009} {
		c := window(t, s, h.pid(), func() { h.do(t, "getppid", n) })
		calls(t, "getppid", c, "getppid", n)
		if total := c.Values.Count("syscalls") + lostCalls(c); total < n {
			t.Errorf("total, with losses: %d, less than %d", total, n)
		}
	}

	if err := s.Detail(false); err != nil {
		t.Fatal(err)
	}
	c := window(t, s, h.pid(), func() { h.do(t, "getppid", 23) })
	if callsOf(c) != nil || c.Missing["syscalls"] == "" || c.Missing["tlb_flushes"] == "" {
		t.Errorf("switched off, but counted: %v, missing: %v", callsOf(c), c.Missing)
	}
	if err := s.Detail(true); err != nil {
		t.Fatal(err)
	}
	c = window(t, s, h.pid(), func() { h.do(t, "getppid", 23) })
	calls(t, "getppid when switched on again", c, "getppid", 23)
}

func TestYield(t *testing.T) {
	s := session(t, trace.Options{Probes: []string{"syscall", "tlb"}})
	h := start(t, "worker")
	// Somebody to yield to.
	other := start(t, "burner")
	for _, pid := range []int{h.pid(), other.pid()} {
		confine(t, pid, 0)
	}
	// How many of them switch is the scheduler's choice: on 5.10, emulated, it was 0 to 26 of each
	// window's.
	least, windows := uint64(100), 1
	if emulated {
		least, windows = 1, 20
	}
	var yields uint64
	for i := 0; i < windows && yields < least; i++ {
		c := window(t, s, h.pid(), func() { h.do(t, "yield", 1009) })
		calls := callsOf(c)["sched_yield"] + lostCalls(c) // the runtime yields, too
		y := c.Total.Switches.Yields
		if calls < 1009 || y > calls {
			t.Errorf("switches in sched_yield: %d of %d calls", y, calls)
		}
		if y > c.Total.Switches.Involuntary {
			t.Errorf("%d yields among %d involuntary switches", y, c.Total.Switches.Involuntary)
		}
		yields += y
	}
	if yields < least {
		t.Errorf("%d switches in sched_yield in %d windows of 1009 calls, want %d", yields,
			windows, least)
	}
}

func TestForksAndExecs(t *testing.T) {
	s := session(t, trace.Options{Probes: []string{"syscall", "tlb"}})
	h := start(t, "worker")
	c := window(t, s, h.pid(), func() { h.do(t, "spawn", 23) })
	exactly(t, "forks", c.Total.Forks, 23)
	exactly(t, "execs", c.Total.Execs, 23)
	exactly(t, "tasks at the end", c.Ended, c.Started+c.Total.Forks+c.Total.Threads-c.Total.Exits)
	ended := 0
	for _, r := range c.Tasks {
		if r.Name == "true" {
			ended++
			exactly(t, "exits of one", r.Exits, 1)
			if r.Switches.Voluntary == 0 || r.PageFaults == 0 || r.Life <= 0 || r.OnCPU <= 0 {
				t.Errorf("a process that ended has nothing in its row: %+v", r)
			}
		}
	}
	exactly(t, "rows of processes that ended", uint64(ended), 23)
}

func TestThreads(t *testing.T) {
	s := session(t, trace.Options{Probes: []string{"syscall", "tlb"}})
	h := start(t, "worker")
	threads := func() uint64 {
		tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", h.pid()))
		if err != nil {
			t.Fatal(err)
		}
		return uint64(len(tasks))
	}
	before := threads()
	c := window(t, s, h.pid(), func() { h.do(t, "threads", 23) })
	exactly(t, "threads", c.Total.Threads, threads()-before)
	exactly(t, "forks", c.Total.Forks, 0)
	exactly(t, "tasks at the start", c.Started, before)
	exactly(t, "tasks at the end", c.Ended, threads())
	if c.Total.Threads < 20 { // the runtime may have had one or two to spare
		t.Errorf("threads: %d, want about 23", c.Total.Threads)
	}
}

// TestAgainstProc compares with what the kernel tells everybody.
func TestAgainstProc(t *testing.T) {
	s := session(t, trace.Options{Probes: []string{"syscall", "tlb"}})
	h := start(t, "worker")
	h.do(t, "threads", 5)
	dir := fmt.Sprintf("/proc/%d/task", h.pid())
	var v0, i0, v1, i1 uint64
	before, iBefore := switches(dir)
	c := window(t, s, h.pid(), func() {
		v0, i0 = switches(dir)
		h.do(t, "getppid", 1009)
		h.do(t, "burn", 50)
		v1, i1 = switches(dir)
	})
	after, iAfter := switches(dir)
	// The Go runtime's threads do not stand still between two looks and the window's ends.
	if got := c.Total.Switches.Voluntary; got < v1-v0 || got > after-before {
		t.Errorf("voluntary switches: %d, in /proc from %d to %d", got, v1-v0, after-before)
	}
	if got := c.Total.Switches.Involuntary; got < i1-i0 || got > iAfter-iBefore {
		t.Errorf("involuntary switches: %d, in /proc from %d to %d", got, i1-i0, iAfter-iBefore)
	}
	if c.Total.OnCPU < 40*time.Millisecond || c.Total.CPU < 30*time.Millisecond {
		t.Errorf("burned 50 ms, on the CPU %v, by the kernel's clock %v", c.Total.OnCPU,
			c.Total.CPU)
	}
	if c.Total.User+c.Total.System != c.Total.CPU {
		t.Errorf("user %v and system %v are not %v", c.Total.User, c.Total.System, c.Total.CPU)
	}
}

func TestPageFaults(t *testing.T) {
	s := session(t, trace.Options{Probes: []string{"syscall", "tlb", "fault"}})
	h := start(t, "worker")
	h.do(t, "touch", 23)
	c := window(t, s, h.pid(), func() { h.do(t, "touch", 1009) })
	if n := c.Total.PageFaults; n < 1009 || n > 1009+100 {
		t.Errorf("page faults: %d, want little more than 1009", n)
	}
	if reason, ok := c.Missing["fault_exceptions_user"]; ok {
		testenv.Skip(t, reason, faultTracepoints)
	}
	if n := c.Total.Values.Count("fault_exceptions_user") +
		c.Total.Values.Count("fault_exceptions_kernel"); n < 1009 || n > 1009+200 {
		t.Errorf("page fault exceptions: %d, want little more than 1009", n)
	}
}

// faultTracepoints returns nil if the kernel has those of page faults: arm64's has none.
func faultTracepoints() error {
	symbols, err := os.ReadFile("/proc/kallsyms")
	if err == nil && !strings.Contains(string(symbols), " __traceiter_page_fault_user\n") {
		err = errors.New("no __traceiter_page_fault_user in /proc/kallsyms")
	}
	return err
}

// TestOthers follows a process that sleeps while others do all they can.
func TestOthers(t *testing.T) {
	s := session(t, trace.Options{Probes: []string{"syscall", "tlb"}})
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	for range 2 {
		start(t, "burner")
	}
	testenv.Eventually(t, "sleep sleeps", func() bool {
		return testenv.In(cmd.Process.Pid, unix.SYS_CLOCK_NANOSLEEP, unix.SYS_NANOSLEEP)
	})
	c := window(t, s, cmd.Process.Pid, func() {
		time.Sleep(200 * time.Millisecond) // no state: this is the window
	})
	exactly(t, "tasks", c.Started, 1)
	exactly(t, "switches", c.Total.Switches.Total(), 0)
	exactly(t, "wake-ups", c.Total.Wakeups, 0)
	exactly(t, "system calls", c.Values.Count("syscalls"), 0)
	exactly(t, "TLB flushes", c.Values.Count("tlb_flushes")+c.Values.Count("tlb_kept"), 0)
	exactly(t, "run-queue latencies", c.RunQueueLatency.Count(), 0)
	if c.Total.OnCPU != 0 || c.Total.RunQueue != 0 {
		t.Errorf("on the CPU %v, on the run queue %v", c.Total.OnCPU, c.Total.RunQueue)
	}
	// It was blocked before the window, and still is.
	if d := c.Total.Blocked - c.Window; d.Abs() > c.Cost.Open+c.Cost.Close {
		t.Errorf("blocked for %v in a window of %v", c.Total.Blocked, c.Window)
	}
	exactly(t, "blocked intervals in the histogram", c.BlockedTime.Count(), 0)
}

// TestCensored wakes a thread that blocked long before the window.
func TestCensored(t *testing.T) {
	s := session(t, trace.Options{Probes: []string{"syscall", "tlb"}})
	h := start(t, "ping", "1")
	if err := s.Follow(h.pid()); err != nil {
		t.Fatal(err)
	}
	const before = 300 * time.Millisecond
	time.Sleep(before) // no state: it is to have been blocked for so long
	c := window(t, s, h.pid(), func() {
		time.Sleep(50 * time.Millisecond) // no state: it is to stay blocked for so long
		h.do(t, "")
	})
	p := task(t, c, "ping")
	if p.Censored.Count == 0 {
		t.Error("an interval that began before the window is not marked")
	}
	if p.Blocked > c.Window+c.Cost.Open+c.Cost.Close {
		t.Errorf("blocked for %v in a window of %v", p.Blocked, c.Window)
	}
	if p.Blocked < 50*time.Millisecond {
		t.Errorf("blocked for %v, want the part in the window, 50ms", p.Blocked)
	}
	if pong := task(t, c, "pong"); pong.Censored.Count == 0 {
		t.Error("pong's wait is not marked")
	}
	if longest := c.BlockedTime.Max(); longest >= before && longest > c.Window {
		t.Errorf("the histogram has an interval of %v, in a window of %v", longest, c.Window)
	}
}

// TestDeath has the traced process end in the window.
func TestDeath(t *testing.T) {
	s := session(t, trace.Options{Probes: []string{"syscall", "tlb"}})
	h := start(t, "worker")
	c := window(t, s, h.pid(), func() {
		h.do(t, "getppid", 23)
		h.end()
	})
	calls(t, "getppid", c, "getppid", 23)
	exactly(t, "tasks at the end", c.Ended, 0)
	exactly(t, "exits", c.Total.Exits, c.Started+c.Total.Threads)
	if err := s.Follow(h.pid()); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("follow a process that has ended: %v, want ESRCH", err)
	}
	// The session goes on.
	other := start(t, "worker")
	c = window(t, s, other.pid(), func() { other.do(t, "getppid", 23) })
	calls(t, "getppid of the next", c, "getppid", 23)
}

// TestForkStorm takes windows of a process that forks all the time.
func TestForkStorm(t *testing.T) {
	s := session(t, trace.Options{Probes: []string{"syscall", "tlb"}, MaxTasks: 7})
	const storm = "echo ready; read go; i=0; while [ $i -lt 1009 ]; do (:); i=$((i+1)); done; echo done; read go"
	begin := func() (pid int, release, wait func()) {
		cmd := exec.Command("sh", "-c", storm)
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { in.Close(); cmd.Wait() })
		// Which call it reads with depends on the shell: dash has read, busybox poll.
		if _, err := io.ReadFull(out, make([]byte, len("ready\n"))); err != nil {
			t.Fatal(err)
		}
		return cmd.Process.Pid, func() { fmt.Fprintln(in) }, func() { out.Read(make([]byte, 8)) }
	}
	pid, release, wait := begin()
	if err := s.Follow(pid); err != nil {
		t.Fatal(err)
	}
	done := make(chan bool)
	go func() {
		wait()
		close(done)
	}()
	var forks uint64
	for i, going := 0, true; going; i++ {
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			release()
		}
		select {
		case <-done:
			going = false
		case <-time.After(20 * time.Millisecond):
		}
		c, err := s.Stop()
		if err != nil {
			t.Fatal(err)
		}
		sound(t, c)
		forks += c.Total.Forks
		if len(c.Tasks) > 7 {
			t.Errorf("%d rows, not at most 7", len(c.Tasks))
		}
		exactly(t, "rows", uint64(len(c.Tasks))+c.OtherTasks, c.Started+c.Total.Forks)
		var sum uint64
		for _, r := range c.Tasks {
			sum += r.Switches.Voluntary
		}
		exactly(t, "voluntary switches in rows", sum+c.Others.Switches.Voluntary,
			c.Total.Switches.Voluntary)
	}
	// Those between two windows are in none.
	if forks > 1009 || forks < 100 {
		t.Errorf("forks: %d, want most of 1009", forks)
	}

	// All in one window.
	if err := s.Forget(); err != nil {
		t.Fatal(err)
	}
	pid, release, wait = begin()
	c := window(t, s, pid, func() {
		release()
		wait()
	})
	t.Logf("on the CPU %v, by the kernel's clock %v, stolen %v, switches %d",
		c.Total.OnCPU, c.Total.CPU, c.Steal, c.Total.Switches.Total())
	exactly(t, "forks", c.Total.Forks, 1009)
	exactly(t, "exits", c.Total.Exits, 1009)
	exactly(t, "execs", c.Total.Execs, 0)
}

func TestFollowInWindow(t *testing.T) {
	s := session(t, trace.Options{Probes: []string{"syscall", "tlb"}})
	a, b := start(t, "worker"), start(t, "worker")
	c := window(t, s, a.pid(), func() {
		b.do(t, "getppid", 1000) // not yet followed
		if err := s.Follow(b.pid()); err != nil {
			t.Fatal(err)
		}
		a.do(t, "getppid", 23)
		b.do(t, "getppid", 1009)
	})
	calls(t, "getppid", c, "getppid", 23+1009)

	if err := s.Forget(); err != nil {
		t.Fatal(err)
	}
	c = window(t, s, b.pid(), func() {
		a.do(t, "getppid", 1000)
		b.do(t, "getppid", 23)
	})
	calls(t, "getppid after forgetting", c, "getppid", 23)
}

// TestFollowAll: a process nobody named is in it, and one that appears later.
func TestFollowAll(t *testing.T) {
	s := session(t, trace.Options{Probes: []string{"syscall"}, MaxTasks: 1 << 12})
	h := start(t, "worker")
	if err := s.FollowAll(); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	h.do(t, "spawn", 5)
	late := start(t, "ping", "23")
	late.do(t, "")
	c, err := s.Stop()
	if err != nil {
		t.Fatal(err)
	}
	sound(t, c)
	if c.Total.Execs < 5 {
		t.Errorf("%d programs started, want at least 5", c.Total.Execs)
	}
	for i := range c.Tasks {
		if c.Tasks[i].TGID == os.Getpid() {
			t.Errorf("the tracer is among the traced: %+v", c.Tasks[i])
		}
	}
	// The tracer's own child is none of its descendants that are followed.
	if slices.ContainsFunc(c.Tasks, func(k trace.TaskTotals) bool { return k.TGID == late.pid() }) {
		t.Error("a child the tracer made later is followed")
	}
}

func TestSelf(t *testing.T) {
	s := session(t, trace.Options{Probes: []string{"syscall", "tlb"}})
	c := window(t, s, os.Getpid(), func() {
		for range 23 {
			unix.Getppid()
		}
	})
	calls(t, "getppid", c, "getppid", 23)
	if err := s.Forget(); err != nil {
		t.Fatal(err)
	}
	c = window(t, s, os.Getppid(), func() {
		for range 23 {
			unix.Getppid()
		}
	})
	calls(t, "getppid of the tracer, not followed", c, "getppid", 0)
}

// TestTwoSessions traces the same process twice.
func TestTwoSessions(t *testing.T) {
	a, b := session(t, trace.Options{Probes: []string{"syscall", "tlb"}}),
		session(t, trace.Options{Probes: []string{"syscall", "tlb"}})
	h := start(t, "worker")
	var inner *trace.Counts
	outer := window(t, a, h.pid(), func() {
		h.do(t, "getppid", 1009)
		inner = window(t, b, h.pid(), func() { h.do(t, "getppid", 23) })
	})
	calls(t, "getppid in the inner window", inner, "getppid", 23)
	calls(t, "getppid in the outer window", outer, "getppid", 23+1009)
}

func TestMisuse(t *testing.T) {
	s := session(t, trace.Options{Probes: []string{"syscall", "tlb"}})
	if err := s.Follow(1 << 29); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("follow nobody: %v, want ESRCH", err)
	}
	if err := s.Follow(-1); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("follow -1: %v, want ESRCH", err)
	}
	if _, err := s.Stop(); err == nil {
		t.Error("stop without start: no error")
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err == nil {
		t.Error("start twice: no error")
	}
	if err := s.Detail(false); err == nil {
		t.Error("detail in a window: no error")
	}
	c, err := s.Stop()
	if err != nil {
		t.Fatal(err)
	}
	sound(t, c)
	exactly(t, "tasks when nobody is followed", c.Started, 0)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"close":  s.Close(),
		"follow": s.Follow(os.Getpid()),
		"forget": s.Forget(),
		"start":  s.Start(),
		"detail": s.Detail(true),
	} {
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s a closed session: %v, want os.ErrClosed", what, err)
		}
	}
	if _, err := s.Stop(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("stop a closed session: %v, want os.ErrClosed", err)
	}
}

func TestWithout(t *testing.T) {
	s := session(t, trace.Options{})
	h := start(t, "worker")
	c := window(t, s, h.pid(), func() { h.do(t, "getppid", 23) })
	for _, column := range []string{"syscalls", "tlb_flushes", "fault_exceptions_user"} {
		if c.Missing[column] == "" {
			t.Errorf("no reason why %s is missing", column)
		}
	}
	if err := s.Detail(true); err != nil {
		t.Error(err)
	}
	c = window(t, s, h.pid(), func() { h.do(t, "getppid", 23) })
	if callsOf(c) != nil || c.Values.Count("tlb_flushes")+c.Values.Count("tlb_kept") > 0 {
		t.Errorf("not asked for, but counted: %v", callsOf(c))
	}
}

// TestDropped drops all privileges once the session is open.
func TestDropped(t *testing.T) {
	session(t, trace.Options{Probes: []string{"syscall", "tlb"}})
	// Before 5.19 (kernel commit c8644cd0efe7) bpf(2) is refused to the unprivileged, whatever it
	// is for, unless kernel.unprivileged_bpf_disabled is 0.
	readable := func() error {
		if out := strings.TrimSpace(run(t, "kept")); out != "fine" {
			return errors.New(out)
		}
		return nil
	}
	if err := readable(); err != nil {
		testenv.Skip(t, "maps cannot be read without privileges", readable)
	}
	if out := run(t, "dropped"); strings.TrimSpace(out) != "fine" {
		t.Error(out)
	}
}

func TestUnprivileged(t *testing.T) {
	for _, c := range []struct {
		caps []string
		want string
	}{
		{nil, "CAP_BPF and CAP_PERFMON missing"},
		{[]string{fmt.Sprint(unix.CAP_BPF)}, "CAP_PERFMON missing"},
		{[]string{fmt.Sprint(unix.CAP_PERFMON)}, "CAP_BPF missing"},
		{[]string{fmt.Sprint(unix.CAP_BPF), fmt.Sprint(unix.CAP_PERFMON)}, ""},
	} {
		if len(c.caps) > 0 && able() != nil {
			continue // cannot keep what it does not have
		}
		out := run(t, "unprivileged", c.caps...)
		first, _, _ := strings.Cut(out, "\n")
		if c.want == "" {
			if first != "false <nil>" {
				t.Errorf("with both capabilities: %s", first)
			}
			continue
		}
		if !strings.HasPrefix(first, "true ") || !strings.Contains(first, c.want) {
			t.Errorf("capabilities %v: %q, want an os.ErrPermission that says %q", c.caps,
				first, c.want)
		}
		for line := range strings.Lines(out) {
			if f := strings.Fields(line); len(f) > 1 && f[1] == "false" {
				t.Errorf("capabilities %v: probe says %q", c.caps, line)
			}
		}
	}
}

// TestMemlock: where maps count against RLIMIT_MEMLOCK (before 5.11) the error names it; elsewhere
// it is of no matter.
func TestMemlock(t *testing.T) {
	session(t, trace.Options{Probes: []string{"syscall", "tlb"}}).Close()
	roomy, out, _ := strings.Cut(strings.TrimSpace(run(t, "limited")), "\n")
	switch roomy {
	case "true":
		if out != "false <nil>" {
			t.Errorf("the kernel does not mind the limit, but: %s", out)
		}
	case "false":
		if !strings.HasPrefix(out, "true ") || !strings.Contains(out, "RLIMIT_MEMLOCK") {
			t.Errorf("%q, want an os.ErrPermission that names RLIMIT_MEMLOCK", out)
		}
	default:
		t.Error(roomy, out)
	}
}

// TestNoBTF: a kernel that describes no types gives an error that names the remedy.
func TestNoBTF(t *testing.T) {
	cmd := testenv.Program(t, "noBTF")
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, os.ErrPermission) {
		testenv.Skip(t, "no mount namespace to hide the types in", able)
	} else if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "true ") || !strings.Contains(line, "CONFIG_DEBUG_INFO_BTF=y") {
			t.Errorf("%q, want an errors.ErrUnsupported that says how to get BTF", line)
		}
	}
	if n := strings.Count(string(out), "\n"); n != 2 {
		t.Errorf("%d lines: %s", n, out)
	}
}

func TestProbes(t *testing.T) {
	names := map[string]bool{}
	for _, p := range trace.Probes() {
		if p.Name == "" || p.Doc == "" || len(p.Hooks) == 0 || len(p.Columns) == 0 ||
			names[p.Name] {
			t.Errorf("incomplete: %+v", p)
		}
		names[p.Name] = true
		if p.Err != nil && able() == nil && p.Required {
			t.Errorf("probe %s: %v", p.Name, p.Err)
		}
		if rejected := (*ebpf.VerifierError)(nil); errors.As(p.Err, &rejected) {
			t.Logf("%s", strings.Join(rejected.Log[max(0, len(rejected.Log)-60):], "\n"))
		}
		t.Logf("%-8s %v", p.Name, p.Err)
	}
}
