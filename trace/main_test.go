package trace_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"switchyard/internal/sys"
	"switchyard/internal/testenv"
	"switchyard/trace"
	"switchyard/trace/hist"
)

func TestMain(m *testing.M) {
	os.Exit(testenv.Main(m, map[string]func() int{
		"ping":         ping,
		"pong":         pong,
		"echo":         echo,
		"worker":       worker,
		"burner":       burner,
		"dropped":      dropped,
		"kept":         kept,
		"limited":      limited,
		"noBTF":        noBTF,
		"contained":    contained,
		"counted":      counted,
		"renumbered":   renumbered,
		"successor":    successor,
		"unprivileged": unprivileged,

		"threadPing":       threadPing,
		"napper":           napper,
		"unprivilegedCost": unprivilegedCost,
	}))
}

// able is what tracing needs, asked of the system and not of the package.
func able() error {
	if _, err := os.Stat("/sys/kernel/btf/vmlinux"); err != nil {
		return err
	}
	b, err := os.ReadFile("/proc/thread-self/status")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(b)) {
		if hex, ok := strings.CutPrefix(line, "CapEff:"); ok {
			caps, err := strconv.ParseUint(strings.TrimSpace(hex), 16, 64)
			if err != nil {
				return err
			}
			if caps&(1<<unix.CAP_SYS_ADMIN) == 0 && (caps&(1<<unix.CAP_BPF) == 0 ||
				caps&(1<<unix.CAP_PERFMON) == 0) {
				return errors.New("neither root nor CAP_BPF and CAP_PERFMON")
			}
		}
	}
	return nil
}

// opened has what was opened closed with the test. Without the privilege the error must say so.
func opened[T io.Closer](t testing.TB, s T, err error) T {
	t.Helper()
	if err != nil {
		if able() != nil {
			if !errors.Is(err, os.ErrPermission) && !errors.Is(err, errors.ErrUnsupported) {
				t.Fatalf("open: %v, which wraps neither os.ErrPermission nor errors.ErrUnsupported",
					err)
			}
			testenv.Skip(t, err.Error(), able)
		}
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
	})
	return s
}

// session opens one that is closed with the test.
func session(t testing.TB, opts trace.Options) *trace.Session {
	t.Helper()
	s, err := trace.Open(opts.Lacking(os.Getenv("SWITCHYARD_TEST_LACKING")))
	return opened(t, s, err)
}

// window follows a process for as long as f takes.
func window(t testing.TB, s *trace.Session, pid int, f func()) *trace.Counts {
	t.Helper()
	if err := s.Follow(pid); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	f()
	c, err := s.Stop()
	if err != nil {
		t.Fatal(err)
	}
	sound(t, c)
	return c
}

// emulated says that the CPUs are emulated and take turns: each stands still while time passes on
// it, and nobody says so.
var emulated = os.Getenv("SWITCHYARD_EMULATED") != ""

// sound fails the test if the window's own checks do.
func sound(t testing.TB, c *trace.Counts) {
	t.Helper()
	balanced(t, c)
	fits(t, "run-queue latency", &c.RunQueueLatency)
	fits(t, "wake-up latency", &c.WakeupLatency)
	fits(t, "on-CPU spans", &c.OnCPUSpan)
	fits(t, "blocked time", &c.BlockedTime)
	for i := range c.Tasks {
		if k := &c.Tasks[i]; k.RunQueueLatency != nil {
			fits(t, k.Name+"'s run-queue latency", k.RunQueueLatency)
			fits(t, k.Name+"'s wake-up latency", k.WakeupLatency)
		}
	}
}

// balanced fails the test if the checks do, or something was lost.
func balanced(t testing.TB, c *trace.Counts) {
	t.Helper()
	for _, k := range c.Checks {
		switch {
		case k.OK():
		case k.Name == "sum_exec_runtime" && emulated:
			t.Logf("check %s: %s: %s: traced %d, kernel %d", k.Name, k.Status, k.Reason, k.Traced,
				k.Kernel)
		default:
			t.Errorf("check %s: %s: %s: traced %d, kernel %d", k.Name, k.Status, k.Reason, k.Traced,
				k.Kernel)
		}
	}
	if n := c.LostEvents() - lostCalls(c); n > 0 {
		t.Errorf("lost %d events: %v", n, c.Losses)
	}
}

// fits fails the test unless the buckets can be those of the sum and of the largest value, which
// the kernel's side adds up beside them.
func fits(t testing.TB, what string, h *hist.Histogram) {
	t.Helper()
	var low, high float64
	var last hist.Bucket
	for b := range h.Buckets() {
		low += float64(b.Count) * float64(b.Low)
		high += float64(b.Count) * float64(b.High)
		last = b
	}
	if sum := float64(h.Sum()); sum < low || sum > high || h.Max() < last.Low ||
		h.Max() > last.High {
		t.Errorf("%s: a sum of %.0f ns in buckets of %.0f to %.0f, a maximum of %v in one of [%v, %v)",
			what, sum, low, high, h.Max(), last.Low, last.High)
	}
}

// lostCalls is the number of system calls of whatever task, traced or not, that were not counted:
// since 7.0 a task can be preempted in the middle of a probe at a tracepoint, and until it goes on
// others on its CPU pass the probe by.
func lostCalls(c *trace.Counts) uint64 {
	for _, l := range c.Losses {
		if l.Reason == "probe sys_enter was running already" {
			return l.Count
		}
	}
	return 0
}

// callsOf returns how many system calls were counted, by name; nil if they were not.
func callsOf(c *trace.Counts) map[string]uint64 {
	v, _ := c.Values.Get("syscalls")
	return v.Parts
}

// calls fails the test unless so many calls were counted, or said to be lost.
func calls(t testing.TB, what string, c *trace.Counts, name string, want uint64) {
	t.Helper()
	if got := callsOf(c)[name]; got > want || got+lostCalls(c) < want {
		t.Errorf("%s: %d, want %d (%d lost)", what, got, want, lostCalls(c))
	}
}

// A helper is a program of this binary that does one thing for each line it is told.
type helper struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func start(t testing.TB, program string, args ...string) *helper {
	t.Helper()
	h := startIn(t, nil, program, args...)
	if program != "burner" { // which never does
		h.settle(t)
	}
	return h
}

// settle waits until the helper sleeps: after its answer it is still on its way, by a switch that
// would count.
func (h *helper) settle(t testing.TB) {
	t.Helper()
	testenv.Eventually(t, "the helper sleeps", func() bool { return testenv.Asleep(h.pid()) })
}

// startIn starts one with attributes of its own: a namespace, say.
func startIn(t testing.TB, attr *syscall.SysProcAttr, program string, args ...string) *helper {
	t.Helper()
	cmd := testenv.Program(t, program, args...)
	cmd.SysProcAttr = attr
	// The runtime must not send the thread that counts a signal.
	cmd.Env = append(cmd.Env, "GODEBUG=asyncpreemptoff=1", "GOGC=off")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); attr != nil && errors.Is(err, os.ErrPermission) {
		testenv.Skip(t, "no namespace to start "+program+" in", able)
	} else if err != nil {
		t.Fatal(err)
	}
	h := &helper{cmd, in, bufio.NewReader(out)}
	t.Cleanup(func() { h.end() })
	h.answer(t) // it is ready
	return h
}

func (h *helper) pid() int { return h.cmd.Process.Pid }

func (h *helper) end() {
	h.in.Close()
	h.cmd.Wait()
}

func (h *helper) answer(t testing.TB) string {
	t.Helper()
	line, err := h.out.ReadString('\n')
	if err != nil {
		t.Fatalf("helper: %v", err)
	}
	return strings.TrimSpace(line)
}

// do has the helper do something, and waits until it sleeps again.
func (h *helper) do(t testing.TB, what string, args ...any) string {
	t.Helper()
	fmt.Fprintln(h.in, append([]any{what}, args...)...)
	answer := h.answer(t)
	h.settle(t)
	return answer
}

// alone puts the thread on one CPU, where nothing but a real-time task takes it away and waking
// does not.
func alone(cpu int) error {
	runtime.LockOSThread()
	var set unix.CPUSet
	set.Set(cpu)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return err
	}
	return unix.SchedSetAttr(0, &unix.SchedAttr{
		Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 1,
	}, 0)
}

// ping passes a byte to pong and waits for it, os.Args[1] times, when told so by a line.
func ping() int {
	rounds, _ := strconv.Atoi(os.Args[1])
	r, toPing, err := os.Pipe()
	if err != nil {
		return 1
	}
	toPong, w, err := os.Pipe()
	if err != nil {
		return 1
	}
	self, _ := os.Executable()
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "SWITCHYARD_TEST_PROGRAM=pong")
	cmd.ExtraFiles = []*os.File{toPong, toPing}
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	toPing.Close()
	toPong.Close()
	from, to := int(r.Fd()), int(w.Fd()) // blocking from here on
	done := make(chan int)
	go func() {
		if err := alone(0); err != nil {
			fmt.Fprintln(os.Stderr, err)
			done <- 1
			return
		}
		sys.SetName("ping")
		exchange(to, from, 1) // until pong is there
		if !testenv.Until(func() bool { return testenv.Asleep(cmd.Process.Pid) }) {
			fmt.Fprintln(os.Stderr, "pong does not wait")
			done <- 1
			return
		}
		fmt.Println("ready")
		pingLoop(rounds, from, to)
		done <- 0
	}()
	code := <-done
	w.Close()
	cmd.Wait()
	return code
}

func pong() int {
	if err := alone(0); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	sys.SetName("pong")
	pongLoop(3, 4)
	return 0
}

// echo is pong without a rank above others.
func echo() int {
	runtime.LockOSThread()
	pongLoop(3, 4)
	return 0
}

// burner uses all of a CPU it can get.
func burner() int {
	go io.Copy(io.Discard, os.Stdin)
	go func() {
		unix.Getppid()
		fmt.Println("ready")
		for {
			unix.Getppid()
		}
	}()
	io.Copy(io.Discard, os.Stdin)
	return 0
}

// worker does what it is told, on one thread.
func worker() int {
	runtime.LockOSThread()
	exec.Command("true").Run() // the runtime tries out pidfds with a process of its own, once
	fmt.Println("ready")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		what, arg, _ := strings.Cut(in.Text(), " ")
		n, _ := strconv.Atoi(arg)
		switch what {
		case "getppid":
			for range n {
				unix.Getppid()
			}
		case "yield":
			for range n {
				unix.Syscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
			}
		case "spawn":
			for range n {
				if err := exec.Command("true").Run(); err != nil {
					fmt.Fprintln(os.Stderr, err)
				}
			}
		case "exec":
			self, _ := os.Executable()
			cmd := exec.Command(self)
			cmd.Env = append(os.Environ(), "SWITCHYARD_TEST_PROGRAM=renumbered")
			out, err := cmd.Output()
			fmt.Println(string(out), err)
			continue
		case "threads":
			ready := make(chan bool)
			for range n {
				go func() {
					runtime.LockOSThread()
					ready <- true
					select {}
				}()
				<-ready
			}
		case "touch":
			b, err := unix.Mmap(-1, 0, n*os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE,
				unix.MAP_PRIVATE|unix.MAP_ANON)
			if err == nil {
				err = unix.Madvise(b, unix.MADV_NOHUGEPAGE)
			}
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
			for i := 0; i < len(b); i += os.Getpagesize() {
				b[i] = 1
			}
			unix.Munmap(b)
		case "burn": // so many ms of this thread's CPU time
			var begin, used unix.Timespec
			unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &begin)
			for used.Nano() < begin.Nano()+int64(n)*1e6 {
				unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &used)
			}
		case "switches":
			fmt.Println(switches("/proc/self/task"))
			continue
		}
		fmt.Println("done")
	}
	return 0
}

// switches returns the sum of the kernel's own counts over the threads of a process
// (proc_pid_status(5)).
func switches(dir string) (voluntary, involuntary uint64) {
	tasks, _ := os.ReadDir(dir)
	for _, task := range tasks {
		b, _ := os.ReadFile(dir + "/" + task.Name() + "/status")
		for line := range strings.Lines(string(b)) {
			key, value, _ := strings.Cut(line, ":")
			n, _ := strconv.ParseUint(strings.TrimSpace(value), 10, 64)
			switch key {
			case "voluntary_ctxt_switches":
				voluntary += n
			case "nonvoluntary_ctxt_switches":
				involuntary += n
			}
		}
	}
	return voluntary, involuntary
}

// cannotDrop is the exit status of a program that was built with cgo, as the race detector does.
const cannotDrop = 77

// run runs a program to its end and returns what it printed.
func run(t testing.TB, program string, args ...string) string {
	t.Helper()
	cmd := testenv.Program(t, program, args...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == cannotDrop && testenv.Race {
		t.Skipf("%s", out)
	}
	if err != nil {
		t.Fatalf("%s: %v: %s", program, err, out)
	}
	return string(out)
}

// dropped opens a session, gives up every capability, and uses it.
func dropped() int {
	s, err := trace.Open(trace.Options{Probes: []string{"syscall", "tlb"}})
	if err != nil {
		fmt.Println("open:", err)
		return 1
	}
	if err := sys.DropCapabilities(); err != nil {
		fmt.Println(err)
		return cannotDrop
	}
	if err := s.Follow(os.Getpid()); err != nil {
		fmt.Println(err)
		return 1
	}
	for range 2 {
		if err := s.Start(); err != nil {
			fmt.Println(err)
			return 1
		}
		for range 23 {
			unix.Getppid()
		}
		c, err := s.Stop()
		if err != nil {
			fmt.Println(err)
			return 1
		}
		for _, k := range c.Checks {
			if !k.OK() {
				fmt.Println(k)
				return 1
			}
		}
		if n := callsOf(c)["getppid"]; n > 23 || n+lostCalls(c) < 23 {
			fmt.Println("getppid:", n)
			return 1
		}
	}
	if err := s.Forget(); err != nil {
		fmt.Println(err)
		return 1
	}
	if err := s.Close(); err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("fine")
	return 0
}

// kept makes a map, gives up every capability, and reads the map.
func kept() int {
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err != nil {
		fmt.Println(err)
		return 0
	}
	defer m.Close()
	if err := sys.DropCapabilities(); err != nil {
		fmt.Println(err)
		return cannotDrop
	}
	var v uint32
	if err := m.Lookup(uint32(0), &v); err != nil {
		fmt.Println(err)
		return 0
	}
	fmt.Println("fine")
	return 0
}

// noBTF says what Open and OpenRecorder say where /sys has no types. It is to have a mount
// namespace of its own.
func noBTF() int {
	if err := unix.Mount("tmpfs", "/sys/kernel/btf", "tmpfs", 0, ""); err != nil {
		fmt.Println(err)
		return 1
	}
	s, err := trace.Open(trace.Options{Probes: []string{"syscall", "tlb"}})
	if err == nil {
		s.Close()
	}
	fmt.Println(errors.Is(err, errors.ErrUnsupported), err)
	r, err := trace.OpenRecorder(trace.RecordOptions{})
	if err == nil {
		r.Close()
	}
	fmt.Println(errors.Is(err, errors.ErrUnsupported), err)
	return 0
}

// limited says whether a map of 1 MiB can be made with 64 KiB of RLIMIT_MEMLOCK and no capability
// to raise it, and what Open says then.
func limited() int {
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK,
		&unix.Rlimit{Cur: 64 << 10, Max: 64 << 10}); err != nil {
		fmt.Println(err)
		return 1
	}
	if err := sys.DropCapabilities(unix.CAP_BPF, unix.CAP_PERFMON); err != nil {
		fmt.Println(err)
		return cannotDrop
	}
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 1 << 10,
		MaxEntries: 1 << 10})
	if err == nil {
		m.Close()
	}
	fmt.Println(err == nil)
	s, err := trace.Open(trace.Options{Probes: []string{"syscall", "tlb"}})
	if err == nil {
		s.Close()
	}
	fmt.Println(errors.Is(err, os.ErrPermission), err)
	return 0
}

// unprivileged says what Open and Probes say with no capabilities but those of os.Args[1:].
func unprivileged() int {
	var keep []int
	for _, arg := range os.Args[1:] {
		c, _ := strconv.Atoi(arg)
		keep = append(keep, c)
	}
	if err := sys.DropCapabilities(keep...); err != nil {
		fmt.Println(err)
		return cannotDrop
	}
	s, err := trace.Open(trace.Options{Probes: []string{"syscall", "tlb"}})
	if err == nil {
		s.Close()
	}
	fmt.Println(errors.Is(err, os.ErrPermission), err)
	for _, p := range trace.Probes() {
		if p.Required {
			fmt.Println(p.Name, errors.Is(p.Err, os.ErrPermission) ||
				errors.Is(p.Err, errors.ErrUnsupported), p.Err)
		}
	}
	return 0
}
