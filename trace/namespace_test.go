package trace_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"switchyard/internal/testenv"
	"switchyard/trace"
	"switchyard/trace/event"
)

// contained records, into os.Args[2], what runs beside it in a PID namespace whose first process it
// is to be, and says by what numbers it and its children go there. os.Args[1] is "all", or whom to
// follow: "ping".
func contained() int {
	if err := contain(); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

func contain() (err error) {
	if err := errors.Join(unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
		unix.Mount("proc", "/proc", "proc", 0, "")); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	all, path := os.Args[1] == "all", os.Args[2]
	ping := exec.Command(self, "23")
	ping.Env = append(os.Environ(), "SWITCHYARD_TEST_PROGRAM=ping", "GODEBUG=asyncpreemptoff=1",
		"GOGC=off")
	ping.Stderr = os.Stderr
	in, err := ping.StdinPipe()
	if err != nil {
		return err
	}
	pipe, err := ping.StdoutPipe()
	if err != nil {
		return err
	}
	if err := ping.Start(); err != nil {
		return err
	}
	defer func() { in.Close(); ping.Wait() }()
	out := bufio.NewReader(pipe)
	if _, err := out.ReadString('\n'); err != nil {
		return err
	}

	r, err := trace.OpenRecorder(trace.RecordOptions{All: all})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if !all {
		if err := r.Follow(ping.Process.Pid); err != nil {
			return err
		}
	}
	spool, err := os.Create(path)
	if err != nil {
		return err
	}
	defer spool.Close()
	if err := r.Start(spool); err != nil {
		return err
	}
	fmt.Fprintln(in)
	if _, err := out.ReadString('\n'); err != nil {
		return err
	}
	program := exec.Command(self)
	program.Env = append(os.Environ(), "SWITCHYARD_TEST_PROGRAM=renumbered")
	numbers, err := program.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, numbers)
	}
	fmt.Println("ready")
	io.ReadFull(os.Stdin, make([]byte, 1)) // until something has happened outside
	last := exec.Command("true")           // its number is above all before
	if err := last.Run(); err != nil {
		return err
	}
	if !testenv.Until(func() bool { return testenv.Asleep(ping.Process.Pid) }) {
		return errors.New("ping does not sleep")
	}
	if _, err := r.Stop(); err != nil {
		return err
	}
	fmt.Println(os.Getpid(), ping.Process.Pid, last.Process.Pid, strings.TrimSpace(string(numbers)))
	return nil
}

// renumbered starts another program in a thread that is not its first. They say, in this order: the
// process and that thread by their numbers, and the same of the program.
func renumbered() int {
	self, err := os.Executable()
	if err == nil {
		err = os.WriteFile(fmt.Sprintf("/proc/self/task/%d/comm", os.Getpid()),
			[]byte("predecessor"), 0)
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	for first := make(chan bool); ; <-first {
		go func() {
			runtime.LockOSThread()
			if unix.Gettid() == unix.Getpid() {
				first <- true
				select {}
			}
			fmt.Print(unix.Getpid(), " ", unix.Gettid(), " ")
			fmt.Println(unix.Exec(self, []string{self}, append(os.Environ(), "SWITCHYARD_TEST_PROGRAM=successor")))
			os.Exit(1)
		}()
	}
}

func successor() int {
	// The name of the first thread, whichever runs this.
	if err := os.WriteFile("/proc/self/comm", []byte("successor"), 0); err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Print(unix.Getpid())
	return 0
}

// What a recorder in a PID namespace of its own records has the numbers of that namespace; and what
// is outside of it has none.
func TestRecordNamespace(t *testing.T) {
	recorder(t, trace.RecordOptions{}).Close() // or skip
	for _, whom := range []string{"all", "ping"} {
		t.Run(whom, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "spool")
			contained := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID |
				syscall.CLONE_NEWNS}
			// which is as deep
			outside, beside := start(t, "worker"), startIn(t, contained, "worker")
			h := startIn(t, contained, "contained", whom, path)
			outside.do(t, "spawn", 3)
			beside.do(t, "spawn", 3)
			var self, ping, last, process, thread, successor int
			answer := h.do(t, "")
			if _, err := fmt.Sscan(answer, &self, &ping, &last, &process, &thread,
				&successor); err != nil {
				t.Fatalf("%v: %s", err, answer)
			}
			if self != 1 || successor != process || thread == process {
				t.Fatalf("impossible: %s", answer)
			}

			p := play(t, path)
			if cut := p.Cut(); cut != "" || len(p.Lost()) > 0 {
				t.Errorf("%s: lost %v", cut, p.Lost())
			}
			by := map[string][]event.Task{} // by name
			for _, task := range p.Tasks() {
				by[task.Name] = append(by[task.Name], task)
				if task.TID > last+20 || task.TGID > last { // a few threads may have come after it
					t.Errorf("%+v: the namespace had no number above %d", task, last)
				}
				if task.Tracer != (task.TGID == self) {
					t.Errorf("%+v: tracer is %v, and its TGID %d", task, task.Tracer, self)
				}
			}
			voluntary := func(id event.TaskID) uint64 {
				return p.count(event.Switch, func(e *event.Event) bool {
					return e.Task == id && e.Flags&event.FlagVoluntary != 0
				})
			}
			one, other := p.id(t, "ping"), p.id(t, "pong")
			exactly(t, "ping's TGID", uint64(p.Tasks()[one].TGID), uint64(ping))
			exactly(t, "ping's voluntary switches", voluntary(one), 24)
			exactly(t, "pong's voluntary switches", voluntary(other), 23)
			exactly(t, "the TGID of pong's parent", uint64(p.Tasks()[p.Tasks()[other].Parent].TGID),
				uint64(ping))
			// What exec in a thread starts has the process' number, and nobody the thread's.
			found := false
			for _, task := range by["successor"] {
				found = found || task.TID == process && task.TGID == process
				if task.TID == thread {
					t.Errorf("%+v: it was thread %d before exec", task, thread)
				}
			}
			if !found {
				t.Errorf("no program %d: %+v", process, by["successor"])
			}
			// Last of all: the one inside, with its number, and those outside, with none.
			inside, without := 0, 0
			for _, task := range by["true"] {
				switch {
				case task.TID == last && task.TGID == last:
					inside++
				case task.TID == 0 && task.TGID == 0:
					without++
				default:
					t.Errorf("%+v: neither %d nor outside", task, last)
				}
			}
			exactly(t, "programs inside", uint64(inside), 1)
			if without < 6 { // others' may be among them
				t.Errorf("%d programs outside, want 6", without)
			}
		})
	}
}

// counted counts itself and a child in a PID namespace whose first process it is to be.
func counted() int {
	s, err := trace.Open(trace.Options{})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer s.Close()
	exec.Command("true").Run() // the runtime tries out pidfds with a process of its own, once
	child := exec.Command("true")
	if err := errors.Join(s.Follow(os.Getpid()), s.Start(), child.Run()); err != nil {
		fmt.Println(err)
		return 1
	}
	c, err := s.Stop()
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println(os.Getpid(), child.Process.Pid)
	for _, task := range c.Tasks {
		fmt.Println(task.TGID, task.TID)
	}
	return 0
}

// Count depth has the numbers of the tracer's PID namespace, too.
func TestCountNamespace(t *testing.T) {
	session(t, trace.Options{}).Close() // or skip
	cmd := testenv.Program(t, "counted")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, os.ErrPermission) {
		testenv.Skip(t, "no PID namespace to count in", able)
	} else if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	in := bufio.NewScanner(bytes.NewReader(out))
	var self, child int
	if in.Scan(); in.Err() == nil {
		fmt.Sscan(in.Text(), &self, &child)
	}
	leaders := map[int]bool{self: false, child: false}
	for in.Scan() {
		var tgid, tid int
		fmt.Sscan(in.Text(), &tgid, &tid)
		if _, ok := leaders[tgid]; !ok || tid < 1 || tid > child+20 {
			// a few threads may have come after it
			t.Errorf("process %d, task %d: the namespace has no such", tgid, tid)
		}
		if tid == tgid {
			leaders[tgid] = true
		}
	}
	if self != 1 || !leaders[self] || !leaders[child] {
		t.Errorf("process %d, its child %d: %v: %s", self, child, leaders, out)
	}
}
