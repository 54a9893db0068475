package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"switchyard/internal/sys"
)

// A book is what /proc said of a task, and between which times (ns, CLOCK_BOOTTIME) it was read.
type book struct {
	Name          string
	TID           int
	Before, After int64
	NVCSW, NIVCSW uint64 // proc_pid_status(5)
	Exec, Delay   uint64 // schedstat: ns on a CPU, ns on a run queue
	Arrivals      uint64 // schedstat: how often it came to a CPU
}

// peersWorkload is the program that we and others trace: what to do, and the file that takes the
// books of its tasks.
func peersWorkload() int {
	if len(os.Args) < 3 {
		return 2
	}
	w := &workload{}
	do, ok := map[string]func(*workload) error{
		"sleep23":   func(w *workload) error { return w.children(sleepers(23, 1)) },
		"sleep1009": func(w *workload) error { return w.children(sleepers(1009, 1)) },
		"pipe23":    func(w *workload) error { return w.pingPong(23) },
		"pipe1009":  func(w *workload) error { return w.pingPong(1009) },
		"hogs":      (*workload).hogs,
		"futex":     (*workload).futexes,
		"yield":     (*workload).yields,
		"forks":     (*workload).forks,
		"stop":      (*workload).stops,
		"short":     (*workload).short,
		"exec":      (*workload).execs,
		"exec-self": execFromThread,
		"nothing":   func(*workload) error { return nil },
	}[os.Args[1]]
	if !ok {
		return 2
	}
	if err := do(w); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	b, err := json.Marshal(w.books)
	if err == nil {
		err = os.WriteFile(os.Args[2], b, 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

type workload struct{ books []book }

// read asks /proc about a task: its process may be dead, while nobody has waited for it.
func (w *workload) read(tgid, tid int) error {
	b := book{TID: tid, Before: boottime()}
	dir := fmt.Sprintf("/proc/%d/task/%d/", tgid, tid)
	status, err := os.ReadFile(dir + "status")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(status)) {
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch key {
		case "Name":
			b.Name = value
		case "voluntary_ctxt_switches":
			b.NVCSW, err = strconv.ParseUint(value, 10, 64)
		case "nonvoluntary_ctxt_switches":
			b.NIVCSW, err = strconv.ParseUint(value, 10, 64)
		}
		if err != nil {
			return err
		}
	}
	stat, err := os.ReadFile(dir + "schedstat")
	if err != nil {
		return err
	}
	if _, err := fmt.Sscan(string(stat), &b.Exec, &b.Delay, &b.Arrivals); err != nil {
		return err
	}
	b.After = boottime()
	w.books = append(w.books, b)
	return nil
}

func boottime() int64 {
	var ts unix.Timespec
	unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts)
	return ts.Nano()
}

// reap waits for a child's end, and reads its books before it is no more.
func (w *workload) reap(pid int) error {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return fmt.Errorf("waitid: %w", err)
		}
		break
	}
	err := w.read(pid, pid)
	unix.Wait4(pid, nil, 0, nil)
	return err
}

// A childDoes is what a forked child does, which has no Go runtime: see sys.Fork.
type childDoes struct {
	name   [16]byte
	what   byte
	rounds int
	ns     int64
	in     int
	out    int
}

const (
	childSleeps = iota
	childPings
	childPongs
	childSpins
	childEnds
	childForks
)

func newChild(name string, what byte) *childDoes {
	c := &childDoes{what: what}
	copy(c.name[:15], name)
	return c
}

//go:nosplit
func forkChild(c *childDoes, buf *[1]byte) (int, syscall.Errno) {
	pid, errno := sys.Fork()
	if pid != 0 || errno != 0 {
		return pid, errno
	}
	sys.RawSetName(&c.name)
	switch c.what {
	case childSleeps:
		for range c.rounds {
			sys.RawNanosleep(c.ns)
		}
	case childPings:
		for range c.rounds {
			sys.RawWrite(c.out, buf[:])
			sys.RawRead(c.in, buf[:])
		}
	case childPongs:
		for range c.rounds {
			sys.RawRead(c.in, buf[:])
			sys.RawWrite(c.out, buf[:])
		}
	case childSpins:
		for end := sys.RawMonotonic() + c.ns; sys.RawMonotonic() < end; {
		}
	}
	sys.RawExit(0)
	return 0, 0
}

// children runs them at the same time.
func (w *workload) children(list []*childDoes) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var buf [1]byte
	var pids []int
	for _, c := range list {
		pid, errno := forkChild(c, &buf)
		if errno != 0 {
			return errno
		}
		pids = append(pids, pid)
	}
	for _, pid := range pids {
		if err := w.reap(pid); err != nil {
			return err
		}
	}
	return nil
}

// sleepers sleep a known number of times, long enough to do so on a machine that is stopped now and
// then.
func sleepers(rounds, n int) (list []*childDoes) {
	for range n {
		c := newChild("peer-sleep", childSleeps)
		c.rounds, c.ns = rounds, 300_000
		list = append(list, c)
	}
	return list
}

func (w *workload) pingPong(rounds int) error {
	var there, back [2]int
	for _, p := range []*[2]int{&there, &back} {
		if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
			return err
		}
	}
	ping, pong := newChild("peer-ping", childPings), newChild("peer-pong", childPongs)
	ping.rounds, ping.out, ping.in = rounds, there[1], back[0]
	pong.rounds, pong.in, pong.out = rounds, there[0], back[1]
	return w.children([]*childDoes{ping, pong})
}

// pin keeps the calling thread, and what it makes, on one CPU, the first it may run on.
func pin() error {
	var all, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return err
	}
	for i := range 1024 {
		if all.IsSet(i) {
			one.Set(i)
			break
		}
	}
	return unix.SchedSetaffinity(0, &one)
}

// hogs keep one CPU busy, and take it from each other.
func (w *workload) hogs() error {
	runtime.LockOSThread()
	if err := pin(); err != nil {
		return err
	}
	a, b := newChild("peer-hog/0", childSpins), newChild("peer-hog/1", childSpins)
	a.ns, b.ns = 150e6, 150e6
	return w.children([]*childDoes{a, b})
}

// futexes is a pool of threads that take turns.
func (w *workload) futexes() error {
	const n, turns = 4, 101
	word := new(atomic.Uint32)
	failed := make(chan error, n)
	for i := range n {
		sys.Thread(fmt.Sprintf("peer-pool/%d", i), func() {
			for range turns {
				for {
					now := word.Load()
					if now%n == uint32(i) {
						break
					}
					sys.FutexWait(word, now, false)
				}
				word.Add(1)
				sys.FutexWake(word, n, false)
			}
			failed <- w2(unix.Getpid(), sys.Gettid())
		})
	}
	for range n {
		if err := <-failed; err != nil {
			return err
		}
	}
	return nil
}

// w2 reads a living task's books and forgets them: reading them is part of the work.
func w2(tgid, tid int) error { return new(workload).read(tgid, tid) }

// yields are two threads that hand one CPU to each other.
func (w *workload) yields() error {
	failed := make(chan error, 2)
	for i := range 2 {
		sys.Thread(fmt.Sprintf("peer-yield/%d", i), func() {
			err := pin()
			for range 1009 {
				syscall.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
			}
			failed <- err
		})
	}
	for range 2 {
		if err := <-failed; err != nil {
			return err
		}
	}
	return nil
}

// forks makes many children that end at once.
func (w *workload) forks() error {
	for range 10 {
		var list []*childDoes
		for range 23 {
			list = append(list, newChild("peer-brief", childEnds))
		}
		if err := w.children(list); err != nil {
			return err
		}
	}
	return nil
}

// stops sends a busy child, and one that sleeps, to where SIGSTOP sends a process, and has them go
// on, 23 times.
func (w *workload) stops() error {
	for _, path := range []string{"peer-stop/0", "peer-stop/1"} {
		// Not forked: there every signal is blocked.
		cmd := exec.Command("/bin/sh", "-c", map[string]string{
			"peer-stop/0": "while :; do :; done",
			"peer-stop/1": "while :; do sleep 0.01; done",
		}[path])
		if err := cmd.Start(); err != nil {
			return err
		}
		pid := cmd.Process.Pid
		for range 23 {
			unix.Kill(pid, unix.SIGSTOP)
			if err := waitFlags(pid, unix.WSTOPPED); err != nil {
				return err
			}
			unix.Kill(pid, unix.SIGCONT)
			if err := waitFlags(pid, unix.WCONTINUED); err != nil {
				return err
			}
			// no state: it is to run, or to sleep, for a while between two stops
			time.Sleep(time.Millisecond)
		}
		unix.Kill(pid, unix.SIGKILL)
		if err := w.reap(pid); err != nil {
			return err
		}
	}
	return nil
}

func waitFlags(pid, flags int) error {
	for {
		if err := unix.Waitid(unix.P_PID, pid, nil, flags, nil); err != unix.EINTR {
			return err
		}
	}
}

// short runs programs that end at once.
func (w *workload) short() error {
	program, err := exec.LookPath("true")
	if err != nil {
		return err
	}
	for range 50 {
		if err := exec.Command(program).Run(); err != nil {
			return err
		}
	}
	return nil
}

// execs runs programs that start another from a thread that is not their first.
func (w *workload) execs() error {
	for range 5 {
		cmd := exec.Command("/proc/self/exe", "exec-self", filepath.Join(filepath.Dir(os.Args[2]), "unused"))
		cmd.Env = append(os.Environ(), "SWITCHYARD_TEST_PROGRAM=peers")
		cmd.Stderr = os.Stderr
		if err := cmd.Run(); err != nil {
			return err
		}
	}
	return nil
}

func execFromThread(*workload) error {
	program, err := exec.LookPath("sleep")
	if err != nil {
		return err
	}
	failed := make(chan error)
	sys.Thread("peer-exec", func() {
		failed <- unix.Exec(program, []string{"sleep", "0.01"}, os.Environ())
	})
	return <-failed
}
