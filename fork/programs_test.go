package fork

import (
	"bufio"
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"switchyard"
)

// programs are what tests start as processes of their own.
var programs = map[string]func() int{
	"exit":   func() int { n, _ := strconv.Atoi(os.Args[1]); return n },
	"serve":  serveProgram,
	"thief":  thiefProgram,
	"tasks":  tasksProgram,
	"noexec": noExecProgram,

	"program of exec": func() int { fmt.Println(programOfExec()); return 0 },
}

// serveProgram serves a model until SIGTERM, and prints its address and then its counters.
func serveProgram() int {
	m, _ := switchyard.Lookup(os.Args[1])
	counters, _, err := switchyard.NewCounters()
	if err != nil {
		return fail(err)
	}
	s, err := m.New(switchyard.Options{Workers: 3, Counters: counters,
		Ready: func(a netip.AddrPort) {
			fmt.Println(a)
		}})
	if err != nil {
		return fail(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM)
	defer stop()
	if err := s.Serve(ctx); err != nil {
		return fail(err)
	}
	fmt.Println("paused", counters.Paused.Load(), "forks", counters.Forks.Load())
	return 0
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// thiefProgram reaps whatever child it can get while a server runs.
func thiefProgram() int {
	m, _ := switchyard.Lookup("fork/per-conn")
	if err := m.Available(); err != nil {
		return 0
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ready := make(chan string, 1)
	s, err := m.New(switchyard.Options{Ready: func(a netip.AddrPort) { ready <- a.String() }})
	if err != nil {
		return fail(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	addr := <-ready
	var done atomic.Bool
	thief := make(chan bool)
	go func() {
		for !done.Load() {
			syscall.Wait4(-1, nil, 0, nil)
		}
		close(thief)
	}()
	t := new(testing.T)
	for range 20 {
		c := (&running{t: t, addr: addr}).dial()
		c.send("/")
		if body, err := c.receive(); err != nil {
			return fail(fmt.Errorf("%q: %w", body, err))
		}
		c.Close()
	}
	cancel()
	if err := <-served; err != nil {
		return fail(err)
	}
	done.Store(true)
	<-thief
	return 0
}

// tasksProgram serves fork/per-conn with room for few tasks. It gives up being root, whom the limit
// does not bind.
func tasksProgram() int {
	if os.Getuid() == 0 {
		if err := syscall.Setgroups(nil); err != nil {
			return fail(err)
		}
		// An ID nobody else's tests use: the limit counts all tasks of a user.
		id := 200_000 + os.Getpid()%100_000
		if err := syscall.Setresgid(id, id, id); err != nil {
			return fail(err)
		}
		if err := syscall.Setresuid(id, id, id); err != nil {
			return fail(err)
		}
	}
	// A thread the Go runtime wants and cannot have is its end: let it have as many as it will
	// want. It keeps those it has made.
	const threads = 16
	made, idle, release := make(chan bool), make(chan bool), make(chan bool)
	for range threads {
		go func() {
			runtime.LockOSThread()
			made <- true
			<-release
			runtime.UnlockOSThread()
			idle <- true
		}()
	}
	for range threads {
		<-made
	}
	close(release)
	for range threads {
		<-idle
	}
	room, _ := strconv.Atoi(os.Args[2])
	tasks, err := userTasks()
	if err != nil {
		return fail(err)
	}
	// The server's threads are among the idle ones.
	limit := unix.Rlimit{Cur: uint64(tasks + room), Max: uint64(tasks + room)}
	if err := unix.Setrlimit(unix.RLIMIT_NPROC, &limit); err != nil {
		return fail(err)
	}
	return serveProgram()
}

// userTasks counts the tasks of this process' user.
func userTasks() (n int, err error) {
	dirs, err := filepath.Glob("/proc/[0-9]*/task/[0-9]*")
	for _, dir := range dirs {
		var st unix.Stat_t
		if unix.Stat(dir, &st) == nil && int(st.Uid) == os.Getuid() {
			n++
		}
	}
	return n, err
}

// noExecProgram is a program that forgot to call Child.
func noExecProgram() int {
	childCalled.Store(false)
	fmt.Println(haveExec())
	return 0
}

// process is a program that serves.
type process struct {
	running
	cmd *exec.Cmd
	out *bufio.Reader
}

// startServing starts a program that prints its address.
func startServing(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	p := &process{running: running{t: t}, cmd: cmd, out: bufio.NewReader(pipe)}
	line, err := p.out.ReadString('\n')
	if err != nil {
		t.Fatalf("it does not say where it listens: %v", err)
	}
	p.addr = strings.TrimSpace(line)
	return p
}

// finish ends the program gently and returns the last it printed.
func (p *process) finish() string {
	p.t.Helper()
	p.cmd.Process.Signal(unix.SIGTERM)
	line, _ := p.out.ReadString('\n')
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("it ended with %v", err)
	}
	return strings.TrimSpace(line)
}

// childrenOf lists the living children of a process (proc_pid_stat(5)).
func childrenOf(parent int) (pids []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, stat := range stats {
		b, _ := os.ReadFile(stat)
		_, rest, _ := strings.Cut(string(b), ") ")
		if f := strings.Fields(rest); len(f) > 1 && f[1] == strconv.Itoa(parent) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(stat)))
			pids = append(pids, pid)
		}
	}
	return pids
}
