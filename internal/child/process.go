package child

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"switchyard/internal/proc"
)

// A Process is a child, pinned to CPUs of its own, with a stream socket to talk over. It dies with
// the thread that started it.
type Process struct {
	cmd     *exec.Cmd
	control *os.File // our end of the socket
	lines   *bufio.Reader
	stdout  bytes.Buffer
	stderr  tail
	exited  chan struct{} // closed when it has ended
	err     error         // of Wait; read after exited is closed
}

// errDied is wrapped by every error that says a process ended early.
var errDied = errors.New("ended early")

// start runs a program, "" is this one, with args. Descriptor 3 is its end of the socket, those
// behind it are extra. It is pinned to CPUs; without any it may run on all that this thread may.
func start(program string, cpus proc.CPUList, extra []*os.File, args ...string) (*Process, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "control")
	defer theirs.Close()
	if err := unix.SetNonblock(pair[0], true); err != nil { // for deadlines
		unix.Close(pair[0])
		return nil, os.NewSyscallError("fcntl", err)
	}
	p := &Process{control: os.NewFile(uintptr(pair[0]), "control"), exited: make(chan struct{})}
	p.lines = bufio.NewReader(p.control)
	p.cmd = exec.Command(cmp.Or(program, "/proc/self/exe"), args...)
	p.cmd.Args[0] = "switchyard"
	p.cmd.ExtraFiles = append([]*os.File{theirs}, extra...)
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := pinned(cpus, p.cmd.Start); err != nil {
		p.control.Close()
		return nil, err
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

// pinned calls f with the calling thread, and so every process it starts, pinned to cpus
// (sched_setaffinity(2)), if there are any.
func pinned(cpus proc.CPUList, f func() error) error {
	if len(cpus) == 0 {
		return f()
	}
	old, err := proc.Allowed()
	if err != nil {
		return os.NewSyscallError("sched_getaffinity", err)
	}
	if err := unix.SchedSetaffinity(0, cpus.Set()); err != nil {
		return fmt.Errorf("pin to CPU %s: %w", cpus, os.NewSyscallError("sched_setaffinity", err))
	}
	err = f()
	if e := unix.SchedSetaffinity(0, old.Set()); e != nil && err == nil {
		err = os.NewSyscallError("sched_setaffinity", e)
	}
	return err
}

// PID is the number of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Exited is closed when the process has ended and all it printed is here.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Output is what it printed on standard output, to be read once it has ended.
func (p *Process) Output() []byte { return p.stdout.Bytes() }

// readLine reads a line the process writes to its socket, or says why none comes.
func (p *Process) readLine(ctx context.Context, patience time.Duration) (string, error) {
	stop := context.AfterFunc(ctx, func() { p.control.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	p.control.SetReadDeadline(time.Now().Add(patience))
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	line, err := p.lines.ReadString('\n')
	if errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() == nil {
		p.control.SetReadDeadline(time.Now().Add(secondLook))
		var rest string
		rest, err = p.lines.ReadString('\n')
		line += rest
	}
	switch {
	case err == nil:
		return strings.TrimSuffix(line, "\n"), nil
	case ctx.Err() != nil:
		return "", ctx.Err()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "", fmt.Errorf("no answer in %v", patience)
	}
	// The socket closes when the process ends, or a little before.
	select {
	case <-p.exited:
		return "", p.death()
	case <-time.After(time.Second):
		return "", fmt.Errorf("control socket: %w", err)
	}
}

// expect waits for the one line that the process must say next.
func (p *Process) expect(ctx context.Context, want string, patience time.Duration) error {
	got, err := p.readLine(ctx, patience)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("it said %q, not %q", got, want)
	}
	return nil
}

// write writes to the process, or says why that cannot be.
func (p *Process) write(s string) error {
	_, err := io.WriteString(p.control, s)
	if err == nil {
		return nil
	}
	select {
	case <-p.exited:
		return p.death()
	case <-time.After(time.Second):
		return fmt.Errorf("control socket: %w", err)
	}
}

// death says how a process ended that should not have: its last words, without the program's name
// before them, or else its exit status.
func (p *Process) death() error {
	words := strings.TrimPrefix(p.stderr.lastLine(), "switchyard: ")
	if words != "" && !strings.HasPrefix(words, "listening on ") {
		return fmt.Errorf("%w: %s", errDied, words)
	}
	return fmt.Errorf("%w: %v", errDied, p.cmd.ProcessState)
}

// Wait waits for the process to end by itself.
func (p *Process) Wait(ctx context.Context, patience time.Duration) error {
	for _, d := range []time.Duration{patience, secondLook} {
		select {
		case <-p.exited:
			if p.err != nil {
				return p.death()
			}
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(d):
		}
	}
	return fmt.Errorf("still running after %v", patience)
}

// secondLook is the time for what should have happened when patience is over: this process may have
// been stopped (Ctrl-Z) for longer than that, and what it waits for has come.
const secondLook = 100 * time.Millisecond

// Terminate asks the process to end and waits; what does not end is killed with all it started
// (they are of one process group). It reports whether the process ended well.
func (p *Process) Terminate(patience time.Duration) error {
	p.cmd.Process.Signal(unix.SIGTERM)
	err := p.Wait(context.Background(), patience)
	p.Kill()
	return err
}

// CPUTime is that of a process that has ended and of its reaped children; 0 while it runs.
func (p *Process) CPUTime() time.Duration {
	if p.cmd.ProcessState == nil {
		return 0
	}
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}

// Kill ends the process and its group at once, if it still runs, and releases what it held.
func (p *Process) Kill() {
	select {
	case <-p.exited:
	default:
		unix.Kill(-p.cmd.Process.Pid, unix.SIGKILL)
		<-p.exited
	}
	p.control.Close()
}

// arguments are a command line in the making.
type arguments []string

// flag adds a flag, unless its value is the default.
func (a *arguments) flag(name string, value any, byDefault bool) {
	if !byDefault {
		*a = append(*a, "--"+name, fmt.Sprint(value))
	}
}

// Locked calls f on a thread of its own, which ends with it. Processes that are started by such a
// thread die with it.
func Locked(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		f()
	}()
	<-done
}

// tail keeps the end of what a process writes.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

const tailSize = 16 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if n := len(t.buf) - tailSize; n > 0 {
		t.buf = append(t.buf[:0], t.buf[n:]...)
	}
	return len(p), nil
}

func (t *tail) lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Split(strings.TrimRight(string(t.buf), "\n"), "\n")
}

func (t *tail) lastLine() string {
	l := t.lines()
	return l[len(l)-1]
}
