package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"switchyard/internal/record"
	"switchyard/internal/report"
	rundir "switchyard/internal/run"
	"switchyard/internal/testenv"
)

// The first signal ends the window, all that follow ask for haste, and one of them is answered.
func TestEnding(t *testing.T) {
	signals, stderr := make(chan os.Signal), newRecorder()
	end := Env{Stderr: stderr, Interrupts: signals}.ending()
	if end.asked.Err() != nil || end.hurried.Err() != nil {
		t.Error("asked to end at once")
	}
	signals <- unix.SIGCONT // fg, after Ctrl-Z
	signals <- unix.SIGTERM
	<-end.asked.Done()
	signals <- unix.SIGCONT // timeout(1) sends that too
	signals <- unix.SIGTERM // and two of these
	signals <- unix.SIGINT
	if end.hurried.Err() != nil {
		t.Error("hurried while the window was open")
	}
	end.close("wait a moment")
	for range 3 {
		signals <- unix.SIGHUP
	}
	<-end.hurried.Done()
	end.stop()
	if n := end.continued.Load(); n != 1 {
		t.Errorf("went on %d times", n)
	}
	if got := stderr.String(); got != "switchyard: wait a moment\n" {
		t.Errorf("said %q", got)
	}
}

// hasThread reports whether a process has a thread of this name.
func hasThread(pid int, name string) bool {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/comm", pid))
	return slices.ContainsFunc(tasks, func(task string) bool {
		comm, err := os.ReadFile(task)
		return err == nil && strings.TrimSpace(string(comm)) == name
	})
}

// ended reports whether a child has ended that nobody has waited for: on a busy machine it may be
// seen too late.
func ended(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(stat), ") Z ")
}

// endCalibrating is a thread that is there while the price of the probes is measured, after the
// window, and spoolThread one that is there while the window is open.
const (
	endCalibrating = "sy-calibrate"
	spoolThread    = "sy-spool"
)

// No signal that comes while the price of the probes is measured loses the result, however many
// come.
func TestTraceSignalAfterWindow(t *testing.T) {
	skipUntraceable(t)
	for _, signals := range [][]os.Signal{
		{unix.SIGINT}, {unix.SIGTERM, unix.SIGTERM}, {unix.SIGHUP, unix.SIGHUP}, {unix.SIGQUIT},
		{unix.SIGUSR1, unix.SIGINT, unix.SIGINT},
		{unix.SIGALRM}, {unix.SIGPIPE},
	} {
		for _, depth := range []string{"--count", "--record"} {
			t.Run(fmt.Sprint(depth, signals), func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "run")
				args := []string{"trace", depth, "--all", "--duration", "50ms", "--format", "json"}
				if depth == "--record" {
					args = append(args, "--out", dir)
				}
				cmd := testenv.Program(t, "switchyard", args...)
				var out, errs bytes.Buffer
				cmd.Stdout, cmd.Stderr = &out, &errs
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				testenv.Eventually(t, "calibration", func() bool {
					return hasThread(cmd.Process.Pid, endCalibrating) || ended(cmd.Process.Pid)
				}, errs.String)
				for _, s := range signals {
					if err := cmd.Process.Signal(s); err != nil {
						t.Fatal(err)
					}
				}
				// What the checks say of a busy machine is another matter.
				if err := cmd.Wait(); err != nil && !cmd.ProcessState.Exited() {
					t.Fatalf("%v: %s%s", err, out.String(), errs.String())
				}
				var r report.Trace
				if err := json.Unmarshal(out.Bytes(), &r); err != nil || len(r.Tasks) == 0 {
					t.Errorf("%v, %d tasks: %s", err, len(r.Tasks), out.String())
				}
				if depth == "--record" {
					complete(t, dir)
				}
			})
		}
	}
}

// complete fails if a directory is not a run, or holds anything else.
func complete(t *testing.T, dir string) {
	t.Helper()
	r, err := rundir.Open(dir)
	if err != nil {
		t.Error(err)
		return
	}
	r.Close()
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if e.Name() == record.SpoolName || strings.HasPrefix(e.Name(), ".") {
			t.Errorf("%s is left behind", e.Name())
		}
	}
	if err != nil {
		t.Error(err)
	}
}

// openPTY returns both ends of a pseudo-terminal.
func openPTY(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		testenv.Skip(t, err.Error(), func() error {
			_, err := os.Stat("/dev/pts/ptmx")
			return err
		})
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return master, slave
}

// A terminal that is closed ends the window; that nothing can be said any more keeps nothing from
// the disk.
func TestTraceTerminalClosed(t *testing.T) {
	skipUntraceable(t)
	master, slave := openPTY(t)
	dir := filepath.Join(t.TempDir(), "run")
	cmd := testenv.Program(t, "switchyard", "trace", "--record", "--all", "--out", dir)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	testenv.Eventually(t, "open window", func() bool {
		return hasThread(cmd.Process.Pid, spoolThread)
	}, func() string { return "" })
	if err := master.Close(); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitFailed {
		t.Errorf("%v, want exit code %d: the result could not be printed", err, exitFailed)
	}
	complete(t, dir)
}

// Whoever reads the result may be gone: the recording is complete, and no line said so in vain.
func TestTracePipeClosed(t *testing.T) {
	skipUntraceable(t)
	dir := filepath.Join(t.TempDir(), "run")
	cmd := testenv.Program(t, "switchyard", "trace", "--record", "--all", "--out", dir,
		"--duration", "50ms", "--calibrate=false")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	cmd.Stdout, cmd.Stderr = w, w
	err = cmd.Start()
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil { // or SIGPIPE, when there is only the error left to say
		t.Error("it has not failed")
	}
	complete(t, dir)
}

// An interrupt that comes before anything is captured leaves nothing behind.
func TestTraceSignalBeforeWindow(t *testing.T) {
	skipUntraceable(t)
	dir := filepath.Join(t.TempDir(), "run")
	signals := make(chan os.Signal, 1)
	signals <- unix.SIGINT
	stderr := newRecorder()
	code := Main(Env{Args: []string{"trace", "--record", "--all", "--out", dir},
		Stdout: newRecorder(), Stderr: stderr, Getenv: os.Getenv, Interrupts: signals})
	if code != exitFailed || !strings.Contains(stderr.String(), "nothing was captured") {
		t.Errorf("exit code %d: %s", code, stderr.String())
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory is left behind (%v)", err)
	}
}

// A load that is told to end, in whatever way, shows what it has by then.
func TestLoadSignals(t *testing.T) {
	asked := make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		select {
		case asked <- struct{}{}:
		default:
		}
	}))
	defer server.Close()
	for _, signals := range [][]os.Signal{{unix.SIGHUP}, {unix.SIGTERM, unix.SIGTERM},
		{unix.SIGUSR1, unix.SIGINT}} {
		select {
		case <-asked:
		default:
		}
		cmd := testenv.Program(t, "switchyard", "load", server.URL, "--clients", "1", "--duration",
			"1h", "--format", "json")
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second one is of the window, whatever the first was
			<-asked
		}
		for _, s := range signals {
			if err := cmd.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
		}
		var exit *exec.ExitError
		err := cmd.Wait()
		var r struct{ Requests uint64 }
		if !errors.As(err, &exit) || exit.ExitCode() != exitFailed ||
			json.Unmarshal(out.Bytes(), &r) != nil || r.Requests == 0 {
			t.Errorf("%v: %v: %s%s", signals, err, out.String(), errs.String())
		}
	}
}
