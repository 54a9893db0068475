package trace_test

import (
	"bufio"
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
	"time"

	"golang.org/x/sys/unix"

	"switchyard/internal/testenv"
	"switchyard/trace"
	"switchyard/trace/event"
)

// contained records, into os.Args[2], what runs beside it in a PID namespace whose first process it is to be, and says by
// what numbers it and its children go there. os.Args[1] is "all", or whom to follow: "ping".
func contained() int {
	if err := contain(); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

func contain() (err error) {
	if err := errors.Join(unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""), unix.Mount("proc", "/proc", "proc", 0, "")); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	all, path := os.Args[1] == "all", os.Args[2]
	ping := exec.Command(self, "23")
	ping.Env = append(os.Environ(), "SWITCHYARD_TEST_PROGRAM=ping", "GODEBUG=asyncpreemptoff=1", "GOGC=off")
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
	if err := r.Start(path); err != nil {
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
	fmt.Println("started")
	io.ReadFull(os.Stdin, make([]byte, 1)) // until something has happened outside
	last := exec.Command("true")           // its number is above all before
	if err := last.Run(); err != nil {
		return err
	}
	time.Sleep(20 * time.Millisecond)
	if _, err := r.Stop(); err != nil {
		return err
	}
	fmt.Println(os.Getpid(), ping.Process.Pid, last.Process.Pid, strings.TrimSpace(string(numbers)))
	return nil
}

// renumbered starts another program in a thread that is not its first. They say, in this order: the process and that thread
// by their numbers, and the same of the program.
func renumbered() int {
	self, err := os.Executable()
	if err != nil {
		fmt.Println(err)
		return 1
	}
	for {
		go func() {
			runtime.LockOSThread()
			if unix.Gettid() == unix.Getpid() {
				select {}
			}
			fmt.Print(unix.Getpid(), " ", unix.Gettid(), " ")
			fmt.Println(unix.Exec(self, []string{self}, append(os.Environ(), "SWITCHYARD_TEST_PROGRAM=successor")))
			os.Exit(1)
		}()
		time.Sleep(time.Second)
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

// What a recorder in a PID namespace of its own records has the numbers of that namespace; and what is outside of it has none.
func TestRecordNamespace(t *testing.T) {
	recorder(t, trace.RecordOptions{}).Close() // or skip
	for _, whom := range []string{"all", "ping"} {
		t.Run(whom, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "spool")
			outside := start(t, "worker")
			cmd := testenv.Program(t, "contained", whom, path)
			cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
			cmd.Stderr = os.Stderr
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			pipe, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); errors.Is(err, os.ErrPermission) {
				testenv.Skip(t, "no PID namespace to record in", able)
			} else if err != nil {
				t.Fatal(err)
			}
			h := &helper{cmd, in, bufio.NewReader(pipe)}
			defer h.end()
			if got := h.answer(t); got != "started" {
				t.Fatal(got)
			}
			outside.do(t, "spawn", 3)
			var self, ping, last, process, thread, successor int
			answer := h.do(t, "")
			if _, err := fmt.Sscan(answer, &self, &ping, &last, &process, &thread, &successor); err != nil {
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
				if task.TID > last || task.TGID > last {
					t.Errorf("%+v: the namespace has no number above %d", task, last)
				}
				if task.Tracer != (task.TGID == self) {
					t.Errorf("%+v: tracer is %v, and its TGID %d", task, task.Tracer, self)
				}
			}
			voluntary := func(id event.TaskID) uint64 {
				return p.count(event.Switch, func(e *event.Event) bool { return e.Task == id && e.Flags&event.FlagVoluntary != 0 })
			}
			one, other := p.id(t, "ping"), p.id(t, "pong")
			exactly(t, "ping's TGID", uint64(p.Tasks()[one].TGID), uint64(ping))
			exactly(t, "ping's voluntary switches", voluntary(one), 24)
			exactly(t, "pong's voluntary switches", voluntary(other), 23)
			exactly(t, "the TGID of pong's parent", uint64(p.Tasks()[p.Tasks()[other].Parent].TGID), uint64(ping))
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
			if without < 3 { // other tests' may be among them
				t.Errorf("%d programs outside, want 3", without)
			}
		})
	}
}
