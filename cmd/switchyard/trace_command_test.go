package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"switchyard/internal/proc"
	"switchyard/internal/report"
	"switchyard/internal/testenv"
	"switchyard/trace/event"
)

// depths are the ways to trace, quickly.
var depths = [][]string{
	{"trace", "--format", "json", "--calibrate=false", "--count"},
	{"trace", "--format", "json", "--calibrate=false", "--record"},
}

// traceShell traces a script in a depth and returns the exit code; there must be a result.
func traceShell(t *testing.T, depth []string, script string, more ...string) (int, report.Trace) {
	t.Helper()
	args := slices.Concat(depth, more, []string{"--", "/bin/sh", "-c", script})
	cmd := testenv.Program(t, "switchyard", args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	var r report.Trace
	code := cmd.ProcessState.ExitCode()
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatalf("%q: exit code %d, no result: %v: %s", args, code, err, errs.String())
	}
	if errs.Len() > 0 {
		t.Errorf("%q: exit code %d, standard error %q, want none", args, code, errs.String())
	}
	return code, r
}

// The command's exit code is trace's own, unless the window ended first.
func TestTraceExitCode(t *testing.T) {
	skipUntraceable(t)
	for _, depth := range depths {
		for _, c := range []struct {
			script string
			more   []string
			code   int
			words  string // in the warnings
		}{
			{"exit 0", nil, 0, ""},
			{"exit 2", nil, 2, "The command failed: exit status 2."},
			{"exit 77", nil, 77, "The command failed: exit status 77."},
			{"kill -ALRM $$", nil, 128 + int(unix.SIGALRM), "The command failed: signal: alarm clock."},
			{"kill -KILL $$", nil, 128 + int(unix.SIGKILL), "The command failed: signal: killed."},
			{"sleep 4242", []string{"--duration", "50ms"}, 0, ""},
			{"trap 'exit 9' TERM; sleep 4242 & wait", []string{"--duration", "50ms"}, 0, ""},
		} {
			code, r := traceShell(t, depth, c.script, c.more...)
			// A program built with cgo warns that it keeps its capabilities.
			said := slices.DeleteFunc(r.Warnings, func(w string) bool {
				return !strings.Contains(w, "The command")
			})
			if code != c.code || strings.Join(said, " ") != c.words {
				t.Errorf("%v %v %q: exit code %d, want %d; warnings %q, want %q",
					depth, c.more, c.script, code, c.code, said, c.words)
			}
		}
	}
}

// becomeReaper makes this process the parent of what the programs that a test starts leave behind.
func becomeReaper(t *testing.T) {
	t.Helper()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) })
}

// leftBehind waits for those that have ended and returns the command lines of the others.
func leftBehind(t *testing.T) (left []string) {
	t.Helper()
	for {
		if pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); pid <= 0 {
			if err == nil || err == unix.ECHILD {
				break
			}
		}
	}
	left = running(t, os.Getpid())
	tree, err := proc.Tree(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range tree[1:] {
		unix.Kill(pid, unix.SIGKILL)
		unix.Wait4(pid, nil, 0, nil)
	}
	return left
}

// running lists what the descendants of a process run.
func running(t *testing.T, pid int) (lines []string) {
	t.Helper()
	tree, err := proc.Tree(pid)
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range tree[1:] {
		b, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
		line := strings.ReplaceAll(strings.Trim(string(b), "\x00"), "\x00", " ")
		lines = append(lines, line)
	}
	return lines
}

// When the window ends first, the command's process group ends, those that do not want to and those
// that have lost their parent too. What has left the group lives on, and so does what a command
// that ended has left running.
func TestTraceEndsProcessGroup(t *testing.T) {
	skipUntraceable(t)
	becomeReaper(t)
	for _, c := range []struct {
		script, left string
		more         []string
	}{
		{"sleep 4241 & sleep 4242", "", []string{"--duration", "200ms"}},
		{"(sleep 4241 &) ; exec sleep 4242", "", []string{"--duration", "200ms"}},
		{"kill -STOP $$", "", []string{"--duration", "200ms"}},
		{"trap '' TERM; sleep 4241 & sleep 4242", "", []string{"--duration", "200ms"}},
		// This one ends the window when it sees that the other has left.
		{`setsid sleep 4243 >/dev/null 2>&1 &
			until [ "$(cat /proc/$!/comm)" = sleep ]; do :; done
			kill -TERM $PPID; sleep 4242`, "sleep 4243", nil},
		{"sleep 4244 >/dev/null 2>&1 & exit 0", "sleep 4244", nil},
	} {
		traceShell(t, depths[0], c.script, c.more...)
		if left := strings.Join(leftBehind(t), ", "); left != c.left {
			t.Errorf("%q leaves %q, want %q", c.script, left, c.left)
		}
	}
}

// Orphans of the command are waited for: their tasks do not stay as zombies for as long as the
// window is open.
func TestTraceWaitsForOrphans(t *testing.T) {
	skipUntraceable(t)
	// Each orphan's parent is the tracer; it looks for the state of the one before.
	code, r := traceShell(t, depths[0], `
		tracer=$PPID
		for i in 1 2 3 4 5 6 7 8; do (: &) ; done
		for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
			children=$(grep -l "^PPid:.$tracer\$" /proc/[0-9]*/status 2>/dev/null)
			zombies=$(grep -l "^State:.Z" $children /dev/null 2>/dev/null | wc -l)
			[ "$zombies" = 0 ] && exit 0
			sleep 0.1
		done
		exit 5`)
	if code != 0 {
		t.Errorf("exit code %d: zombies are left; warnings %q", code, r.Warnings)
	}
}

// openTerminal makes a terminal and returns both its ends.
func openTerminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetUint32(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile("/dev/pts/"+strconv.Itoa(int(n)), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { slave.Close() })
	return master, slave
}

// A command reads from the terminal, and Ctrl-C reaches it as it reaches the tracer: the exit code
// is its own, whether it dies of that or not.
func TestTraceAtTerminal(t *testing.T) {
	skipUntraceable(t)
	becomeReaper(t)
	const ready = `read line; echo "got $line"; `
	for script, want := range map[string]int{
		ready + `exec sleep 4242`:                               128 + int(unix.SIGINT),
		`trap 'sleep 0.3; exit 6' INT; ` + ready + `sleep 4242`: 6,
		// This one has to be ended.
		`trap '' INT; ` + ready + `sleep 4241 & sleep 4242`:      0,
		`trap 'exit 0' INT; ` + ready + `sleep 4242; sleep 4241`: 0,
	} {
		master, slave := openTerminal(t)
		args := slices.Concat(depths[0], []string{"--", "/bin/sh", "-c", script})
		cmd := testenv.Program(t, "switchyard", args...)
		var out bytes.Buffer
		cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, &out, slave
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		slave.Close()
		if _, err := master.WriteString("hello\n"); err != nil {
			t.Fatal(err)
		}
		var said strings.Builder
		for b := make([]byte, 4096); !strings.Contains(said.String(), "got hello"); {
			n, err := master.Read(b)
			if err != nil {
				t.Fatalf("%q: %v after %q", script, err, said.String())
			}
			said.Write(b[:n])
		}
		// A shell between fork and exec of its child would keep the signal from that.
		testenv.Eventually(t, "the last sleep of the command runs", func() bool {
			return slices.Contains(running(t, cmd.Process.Pid), "sleep 4242")
		}, func() string { return strings.Join(running(t, cmd.Process.Pid), ", ") })
		if _, err := master.WriteString("\x03"); err != nil {
			t.Fatal(err)
		}
		cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != want || !json.Valid(out.Bytes()) {
			t.Errorf("%q: exit code %d, want %d; result %.100s", script, code, want, out.String())
		}
		if left := leftBehind(t); len(left) > 0 {
			t.Errorf("%q leaves %q", script, left)
		}
		master.Close()
	}
}

// callsOf are the system calls among what was counted, by name; nil if they were not.
func callsOf(values event.Values) map[string]uint64 {
	calls, _ := values.Get("syscalls")
	return calls.Parts
}

// A probe that the depth does not have is no reason to leave it out in silence.
func TestTraceProbesOfADepth(t *testing.T) {
	mustFail(t, exitUsage, []string{"trace", "--record", "--tlb", "--all"}, "--tlb", "--count")
}
