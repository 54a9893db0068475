package trace_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"switchyard/internal/sys"
	"switchyard/internal/testenv"
	"switchyard/trace"
	"switchyard/trace/event"
	"switchyard/trace/switchcost"
)

// switchCost opens one that is closed with the test.
func switchCost(t testing.TB, opts switchcost.Options) *switchcost.Meter {
	t.Helper()
	s, err := switchcost.Open(opts)
	return opened(t, s, err)
}

// costs measures for as long as f takes.
func costs(t testing.TB, s *switchcost.Meter, f func()) *event.SwitchCosts {
	t.Helper()
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	f()
	c, err := s.Stop()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range c.Checks {
		if !k.OK() {
			t.Errorf("check %s: %s: %s: traced %d, kernel %d", k.Name, k.Status, k.Reason, k.Traced,
				k.Kernel)
		}
	}
	if len(c.Losses) > 0 {
		t.Errorf("losses: %v", c.Losses)
	}
	ended := c.Unended
	for k := range c.Kinds {
		ended += c.Kinds[k].Switching.Count()
	}
	exactly(t, "switches of all kinds and those without an end", ended, c.Switches)
	return c
}

// threadPing is ping, with pong as a thread of the same process.
func threadPing() int {
	rounds, _ := strconv.Atoi(os.Args[1])
	runtime.GOMAXPROCS(4) // the two keep theirs while they wait
	r, toPing, err := os.Pipe()
	if err != nil {
		return 1
	}
	toPong, w, err := os.Pipe()
	if err != nil {
		return 1
	}
	in, out := int(r.Fd()), int(w.Fd())
	pongIn, pongOut := int(toPong.Fd()), int(toPing.Fd())
	failed := make(chan error, 2)
	tid := make(chan int, 1)
	pong := sys.Thread("pong", func() {
		tid <- sys.Gettid()
		if err := alone(0); err != nil {
			failed <- err
			return
		}
		pongLoop(pongIn, pongOut)
	})
	ping := sys.Thread("ping", func() {
		if err := alone(0); err != nil {
			failed <- err
			return
		}
		pong := <-tid
		if !testenv.Until(func() bool {
			call, ok := testenv.Blocked(os.Getpid(), pong)
			return ok && call == unix.SYS_READ
		}) {
			failed <- errors.New("pong does not wait")
			return
		}
		fmt.Println("ready")
		pingLoop(rounds, in, out)
	})
	<-ping
	w.Close()
	<-pong
	select {
	case err := <-failed:
		fmt.Fprintln(os.Stderr, err)
		return 1
	default:
		return 0
	}
}

// TestSwitchKinds: two threads that switch to each other, and two processes, make switches of their
// kind, as many as they must, and few of another: those of other tasks, when the two sleep.
func TestSwitchKinds(t *testing.T) {
	const rounds = 10007
	for _, c := range []struct {
		program string
		own     func(*event.SwitchCosts) *event.SwitchTimes
	}{
		{"threadPing", func(c *event.SwitchCosts) *event.SwitchTimes {
			return &c.Kinds[event.SwitchThread]
		}},
		{"ping", (*event.SwitchCosts).AddressSpace},
	} {
		t.Run(c.program, func(t *testing.T) {
			s := switchCost(t, switchcost.Options{CPUs: []int{0}})
			h := start(t, c.program, fmt.Sprint(rounds))
			var took time.Duration
			got := costs(t, s, func() {
				began := time.Now()
				fmt.Fprintln(h.in)
				h.answer(t)
				took = time.Since(began)
			})
			own := c.own(got)
			n := own.Switching.Count()
			// Between the two another task can run: then the switch into the second is of another
			// kind.
			others := got.Switches - n
			if n+others/2 < 2*rounds {
				t.Errorf("%d switches of the kind and %d others, want at least %d", n, others,
					2*rounds)
			}
			if others > rounds/5 {
				t.Errorf("%d switches of other kinds", others)
			}
			if sum := own.Switching.Sum(); sum == 0 || sum >= got.Window {
				t.Errorf("%v of switching in %v", sum, got.Window)
			}
			if c.program == "ping" && got.Missing["tlb_flush"] == "" {
				if unknown := got.Kinds[event.SwitchAddressSpace].Switching.Count(); unknown >
					rounds/100 {
					t.Errorf("%d address-space switches without a word on the TLB", unknown)
				}
			}
			t.Logf("probe: %+v; round trip: %v", got.Probe, took/rounds)
			t.Log("switching:", &own.Switching)
			if got.Missing["total"] != "" {
				if own.Choosing.Count()+own.Total.Count() != 0 {
					t.Error("choosing is missing, but was measured")
				}
				return
			}
			exactly(t, "times of choosing", own.Choosing.Count(), n)
			exactly(t, "times in all", own.Total.Count(), own.Choosing.Count())
			exactly(t, "ns in all", uint64(own.Total.Sum()),
				uint64(own.Choosing.Sum()+own.Switching.Sum()))
			if sum := own.Total.Sum(); sum >= got.Window {
				t.Errorf("%v in the scheduler in %v", sum, got.Window)
			}
			t.Log("choosing:", &own.Choosing)
			t.Log("total:", &own.Total)
		})
	}
}

// contextSwitches returns the kernel's own number (proc_stat(5)).
func contextSwitches(t *testing.T) uint64 {
	t.Helper()
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if n, ok := strings.CutPrefix(line, "ctxt "); ok {
			v, err := strconv.ParseUint(strings.TrimSpace(n), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
	}
	t.Fatal("no ctxt in /proc/stat")
	return 0
}

// TestSwitchCostSeesAll: the switches lie between the kernel's own numbers, taken inside the window
// and outside. A kernel can keep tasks from tracing, and counts their switches; they do not run in
// every window.
func TestSwitchCostSeesAll(t *testing.T) {
	s := switchCost(t, switchcost.Options{})
	h := start(t, "ping", "1009")
	for range 10 {
		var inside uint64
		before := contextSwitches(t)
		c := costs(t, s, func() {
			n := contextSwitches(t)
			h.do(t, "")
			inside = contextSwitches(t) - n
		})
		outside := contextSwitches(t) - before
		if c.Switches < 2*1009 || c.Switches > outside {
			t.Errorf("%d switches, want at least %d and at most the kernel's %d", c.Switches,
				2*1009, outside)
		}
		if c.Switches+c.Unseen >= inside {
			return
		}
		t.Logf("%d switches and %d unseen, the kernel counts %d to %d", c.Switches, c.Unseen,
			inside, outside)
	}
	t.Error("in no window as many switches as the kernel counts")
}

// TestSwitchCostNewTasks: a task that runs for the first time comes out of the scheduler by another
// way than others (schedule_tail), and is seen there.
func TestSwitchCostNewTasks(t *testing.T) {
	const tasks = 101
	s := switchCost(t, switchcost.Options{})
	h := start(t, "worker")
	c := costs(t, s, func() { h.do(t, "spawn", tasks) })
	for what, n := range map[string]uint64{"end": c.Unended, "beginning": c.Unentered} {
		if c.Missing["choosing"] == "" && n >= tasks {
			t.Errorf("%d switches without %s, with %d new tasks", n, what, tasks)
		}
	}
}

// TestSwitchCostBeside: with a session attached in between, both still count every switch.
func TestSwitchCostBeside(t *testing.T) {
	const rounds = 1009
	s := switchCost(t, switchcost.Options{CPUs: []int{0}})
	beside := session(t, trace.Options{Probes: []string{"syscall", "tlb"}})
	h := start(t, "ping", fmt.Sprint(rounds))
	c := costs(t, s, func() {
		counts := window(t, beside, h.pid(), func() { h.do(t, "") })
		exactly(t, "pong's voluntary switches", task(t, counts, "pong").Switches.Voluntary, rounds)
	})
	if n := c.AddressSpace().Switching.Count(); n+(c.Switches-n)/2 < 2*rounds {
		t.Errorf("%d address-space switches of %d, want at least %d", n, c.Switches, 2*rounds)
	}
}

// confine puts all threads of a process on one CPU.
func confine(t testing.TB, pid, cpu int) {
	t.Helper()
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		t.Fatal(err)
	}
	var set unix.CPUSet
	set.Set(cpu)
	for _, task := range tasks {
		tid, err := strconv.Atoi(task.Name())
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.SchedSetaffinity(tid, &set); err != nil && !errors.Is(err, unix.ESRCH) {
			t.Fatal(err)
		}
	}
}

// napper sleeps 1 ms, os.Args[1] times, or runs for as long, when told so by a line. On CPU 0
// hardly anybody comes before it.
func napper() int {
	naps, _ := strconv.Atoi(os.Args[1])
	if err := alone(0); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("ready")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		for end := time.Now().Add(time.Duration(naps) * time.Millisecond); in.Text() == "run" &&
			time.Now().Before(end); {
			unix.Getppid()
		}
		for i := 0; in.Text() == "nap" && i < naps; i++ {
			unix.Nanosleep(&unix.Timespec{Nsec: 1e6}, nil)
		}
		fmt.Println("done")
	}
	return 0
}

// TestPreemptionLatency: a task that sleeps and has a rank above the one that runs meanwhile takes
// the CPU from it each time it wakes. While it runs itself, nobody tells it to give up the CPU.
// Where it would be dangerous to look, nobody does.
func TestPreemptionLatency(t *testing.T) {
	const naps = 251
	s := switchCost(t, switchcost.Options{CPUs: []int{0}})
	h := start(t, "napper", fmt.Sprint(naps))
	confine(t, start(t, "burner").pid(), 0)
	// Not costs: a task may be preempted in a probe of tlb_flush, which is then lost.
	during := func(what string) *event.SwitchCosts {
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(h.in, what)
		h.answer(t)
		c, err := s.Stop()
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	alone, c := during("run"), during("nap")
	t.Logf("by %q: %v; %d unserved, %d older, %d negative", c.PreemptionBy, &c.Preemption,
		c.Unserved, c.Older, c.Negative)
	t.Logf("of the highest rank: %v; %d unserved, %d older", &alone.Preemption, alone.Unserved,
		alone.Older)
	if preemptibleRCU() == nil && c.PreemptionBy == "sched_set_need_resched_tp" {
		t.Fatal("this kernel's stack may overflow")
	}
	reason := c.Missing["preemption"]
	if (reason == "") == (c.PreemptionBy == "") {
		t.Errorf("measured by %q, missing because %q", c.PreemptionBy, reason)
	}
	if reason != "" {
		if _, err := os.Stat("/sys/kernel/btf/vmlinux"); err == nil && runtime.NumCPU() > 1 {
			t.Error("a kernel that runs these tests can be asked, but: ", reason)
		}
		if n := c.Preemption.Count() + c.Unserved + c.Older; n != 0 {
			t.Errorf("%d requests, although: %s", n, reason)
		}
		return
	}
	if n := c.Preemption.Count(); n < naps/2 {
		t.Errorf("%d requests, of %d wakings that took the CPU", n, naps)
	}
	if n := c.Preemption.Count() + c.Older + c.Negative; n > c.Switches {
		t.Errorf("%d requests served by %d switches", n, c.Switches)
	}
	if half := c.Preemption.Quantile(.5); half <= 0 || half >= 10*time.Millisecond {
		t.Errorf("a task gives the CPU up %v after it was told so", half)
	}
	if n := alone.Preemption.Count(); n >= naps/2 {
		t.Errorf("%d requests while a task ran that nobody preempts", n)
	}
}

// preemptibleRCU returns nil if the kernel has it: this is then a function.
func preemptibleRCU() error {
	symbols, err := os.ReadFile("/proc/kallsyms")
	if err == nil && !strings.Contains(string(symbols), " __rcu_read_unlock\n") {
		err = errors.New("no __rcu_read_unlock in /proc/kallsyms")
	}
	return err
}

// TestRequestFlagsUnknown: on one CPU nothing is to be learnt of what makes a task go to another,
// and nothing is guessed.
func TestRequestFlagsUnknown(t *testing.T) {
	if by := costs(t, switchCost(t, switchcost.Options{}), func() {}).PreemptionBy; by ==
		"sched_set_need_resched_tp" {
		testenv.Skip(t, "not looked for: "+by, preemptibleRCU)
	}
	var s *switchcost.Meter
	var err error
	<-sys.Thread("confined", func() {
		var set unix.CPUSet
		set.Set(0)
		if err = unix.SchedSetaffinity(0, &set); err == nil {
			s, err = switchcost.Open(switchcost.Options{})
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	h := start(t, "napper", "101")
	confine(t, start(t, "burner").pid(), 0)
	c := costs(t, s, func() { h.do(t, "nap") })
	if reason := c.Missing["preemption"]; !strings.Contains(reason, "one CPU") ||
		c.PreemptionBy != "" {
		t.Errorf("by %q, missing because %q", c.PreemptionBy, reason)
	}
	if n := c.Preemption.Count() + c.Unserved + c.Older + c.Negative; n != 0 {
		t.Errorf("%d requests seen by flags that are not known", n)
	}
}

func TestSwitchCostClosed(t *testing.T) {
	s := switchCost(t, switchcost.Options{})
	if _, err := s.Stop(); err == nil {
		t.Error("stopped before it was started")
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err == nil {
		t.Error("started twice")
	}
	if err := s.Close(); err != nil { // a window is open
		t.Error(err)
	}
	for what, err := range map[string]error{"close": s.Close(), "start": s.Start()} {
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s after close: %v", what, err)
		}
	}
	if _, err := s.Stop(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("stop after close: %v", err)
	}
	if _, err := switchcost.Open(switchcost.Options{CPUs: []int{1 << 20}}); err == nil {
		t.Error("measures a CPU that is not there")
	}
}

// unprivilegedCost says what switchcost.Open says with no capabilities.
func unprivilegedCost() int {
	if err := sys.DropCapabilities(); err != nil {
		fmt.Println(err)
		return cannotDrop
	}
	s, err := switchcost.Open(switchcost.Options{})
	if err == nil {
		s.Close()
	}
	fmt.Println(errors.Is(err, os.ErrPermission), err)
	return 0
}

func TestSwitchCostUnprivileged(t *testing.T) {
	out := run(t, "unprivilegedCost")
	if !strings.HasPrefix(out, "true") || !strings.Contains(out, "CAP_BPF and CAP_PERFMON") {
		t.Errorf("without capabilities: %s", out)
	}
}
