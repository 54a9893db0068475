package testenv

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"switchyard/internal/sys"
)

func TestMain(m *testing.M) {
	os.Exit(Main(m, map[string]func() int{
		"seven": func() int {
			fmt.Println(strings.Join(os.Args[1:], " "), os.Getenv(programVar))
			return 7
		},
		"hangup": func() int {
			fmt.Println("ignored:", signal.Ignored(unix.SIGHUP))
			return 0
		},
	}))
}

// TestFirst: the tests do not run themselves.
func TestFirst(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), self, "load").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "want testenv.Program") {
		t.Errorf("%v: %s", err, out)
	}
}

// What tests start hears signals, also where nohup(1) runs the tests.
func TestSignalsAreGivenBack(t *testing.T) {
	signal.Ignore(unix.SIGHUP)
	defer signal.Reset(unix.SIGHUP)
	for _, want := range []bool{true, false} {
		out, err := Program(t, "hangup").Output()
		if err != nil || string(out) != fmt.Sprintf("ignored: %v\n", want) {
			t.Errorf("%q, %v, want ignored: %v", out, err, want)
		}
		giveSignalsBack()
	}
}

// recorder is a testing.TB that keeps what a test would have said.
type recorder struct {
	testing.TB
	errors   []string
	skipped  bool
	cleanups []func()
}

func (r *recorder) Helper()              {}
func (r *recorder) Cleanup(f func())     { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Skipf(string, ...any) { r.skipped = true }
func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}
func (r *recorder) Error(args ...any)                 { r.Errorf("%s", fmt.Sprint(args...)) }
func (r *recorder) Fatalf(format string, args ...any) { r.Errorf(format, args...); panic(r) }

func (r *recorder) run(f func()) {
	defer func() {
		if got := recover(); got != nil && got != r {
			panic(got)
		}
	}()
	f()
}

func TestSkip(t *testing.T) {
	var r recorder
	r.run(func() { Skip(&r, "it cannot", func() error { return errors.New("it really cannot") }) })
	if !r.skipped || len(r.errors) > 0 {
		t.Errorf("an earned skip: skipped %v, errors %q", r.skipped, r.errors)
	}
	r = recorder{}
	r.run(func() { Skip(&r, "it cannot", func() error { return nil }) })
	if r.skipped || len(r.errors) != 1 {
		t.Errorf("a skip that is not earned: skipped %v, errors %q", r.skipped, r.errors)
	}
}

// What is left behind is named, and only that.
func TestLeft(t *testing.T) {
	const moment = 20 * time.Millisecond
	before := Take()
	if left := before.left(moment); len(left) > 0 {
		t.Fatalf("nothing was done, and left is %q", left)
	}

	file, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	if left := before.left(moment); len(left) != 1 || !strings.Contains(left[0], "/dev/null") {
		t.Errorf("an open file: %q", left)
	}
	file.Close()

	named, stop := make(chan struct{}), make(chan struct{})
	done := sys.Thread("sy-test", func() { close(named); <-stop })
	<-named
	if left := before.left(moment); len(left) != 2 || !strings.Contains(left[0], "sy-test") ||
		!strings.HasPrefix(left[1], "goroutine ") {
		t.Errorf("a thread: %q", left)
	}
	close(stop)
	<-done

	end := make(chan struct{})
	go func() { <-end }()
	if left := before.left(moment); len(left) != 1 || !strings.HasPrefix(left[0], "goroutine ") ||
		!strings.Contains(left[0], "TestLeft at ") {
		t.Errorf("a goroutine: %q", left)
	}
	close(end)

	child := exec.Command("/proc/self/exe", "-test.run=^$")
	child.Env = append(os.Environ(), programVar+"=seven")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	left := before.left(moment) // running or a zombie
	found := false
	for _, what := range left {
		found = found || strings.HasPrefix(what, fmt.Sprintf("child process %d (",
			child.Process.Pid))
	}
	if !found {
		t.Errorf("a child: %q", left)
	}
	child.Wait()

	if left := before.left(patience); len(left) > 0 {
		t.Errorf("all is gone, and left is %q", left)
	}
}

func TestCheck(t *testing.T) {
	var r recorder
	Check(&r)
	for _, f := range r.cleanups {
		f()
	}
	if len(r.errors) > 0 {
		t.Errorf("nothing was done: %q", r.errors)
	}
}

func TestProgram(t *testing.T) {
	cmd := Program(t, "seven", "a", "b c")
	out, err := cmd.Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 7 || string(out) != "a b c \n" {
		t.Errorf("output %q, %v; want the arguments and status 7", out, err)
	}
	var stderr strings.Builder
	cmd = Program(t, "unknown")
	cmd.Stderr = &stderr
	if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != 2 ||
		!strings.Contains(stderr.String(), "unknown") {
		t.Errorf("a program that is not there: %v, %q", err, stderr.String())
	}
}

func TestBPFLeft(t *testing.T) {
	before := bpfPrograms()
	spec := &ebpf.ProgramSpec{
		Name: "sy_leak", Type: ebpf.SocketFilter, License: "Dual BSD/GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	}
	p, err := ebpf.NewProgram(spec)
	if err == nil {
		_, err = ebpf.ProgramGetNextID(0)
		if err != nil {
			p.Close()
		}
	}
	if err != nil {
		Skip(t, "BPF programs cannot be loaded and listed", func() error {
			p, err := ebpf.NewProgram(spec)
			if err != nil {
				return err
			}
			defer p.Close()
			_, err = ebpf.ProgramGetNextID(0)
			return err
		})
	}
	if left := bpfLeft(before, 10*time.Millisecond); len(left) != 1 || !strings.Contains(left[0],
		"sy_leak") {
		t.Errorf("a program held by a descriptor: %q", left)
	}
	p.Close()
	if left := bpfLeft(before, patience); len(left) > 0 {
		t.Errorf("it is closed, and left is %q", left)
	}
}
