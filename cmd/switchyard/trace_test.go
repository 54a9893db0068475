package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"switchyard/internal/proc"
	"switchyard/internal/record"
	"switchyard/internal/report"
	"switchyard/internal/sys"
	"switchyard/internal/testenv"
	"switchyard/trace/event"
)

// blinks is how often the traced program sleeps. It then ends, which is one more voluntary switch.
const blinks = 23

// blink is the program that is traced: it has a child whose switches and system calls are known.
func blink() int {
	runtime.LockOSThread()
	name := [16]byte{}
	copy(name[:], "sy-blink")
	pid, errno := blinkChild(&name)
	if errno != 0 {
		return 1
	}
	unix.Wait4(pid, nil, 0, nil)
	return 0
}

//go:nosplit
func blinkChild(name *[16]byte) (int, syscall.Errno) {
	pid, errno := sys.Fork()
	if pid != 0 || errno != 0 {
		return pid, errno
	}
	sys.RawSetName(name)
	for range blinks {
		sys.RawShutdown(-1, 0) // what nobody else calls here
		sys.RawNanosleep(100_000)
	}
	sys.RawExit(0)
	return 0, 0
}

// skipUntraceable skips a test that needs the privilege to trace.
func skipUntraceable(t *testing.T) {
	t.Helper()
	if !canTrace() {
		testenv.Skip(t, "no permission to trace, or a kernel that cannot", traceable)
	}
}

// traceable is what tracing needs, asked of the system and not of this program.
func traceable() error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("not root")
	}
	_, err := os.Stat("/sys/kernel/btf/vmlinux")
	return err
}

// traceProgram runs "switchyard trace" on blink, as a process of its own: it gives up its
// capabilities.
func traceProgram(t *testing.T, args ...string) (t1 report.Trace, stderr string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args = append([]string{"trace", "--format", "json"}, args...)
	args = append(args, "--", "/usr/bin/env", "SWITCHYARD_TEST_PROGRAM=blink", self)
	cmd := testenv.Program(t, "switchyard", args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, errs.String())
	}
	d := json.NewDecoder(&out)
	d.DisallowUnknownFields()
	if err := d.Decode(&t1); err != nil {
		t.Fatal(err)
	}
	return t1, errs.String()
}

// blinked holds what was traced of blink to what it did.
func blinked(t *testing.T, r *report.Trace) {
	t.Helper()
	if r.Schema != report.TraceSchema || r.WindowNS <= 0 || r.Host.Kernel == "" {
		t.Errorf("schema %q, window %d, kernel %q", r.Schema, r.WindowNS, r.Host.Kernel)
	}
	if (r.Throttled == nil) == (r.Missing["throttled"] == "") {
		t.Errorf("throttled %+v, missing because %q", r.Throttled, r.Missing["throttled"])
	}
	i := slices.IndexFunc(r.Tasks, func(k report.TraceTask) bool { return k.Name == "sy-blink" })
	if i < 0 {
		t.Fatalf("no sy-blink among %d tasks", len(r.Tasks))
	}
	k := &r.Tasks[i]
	if k.Switches.Voluntary != blinks+1 {
		t.Errorf("voluntary switches: %d, want %d", k.Switches.Voluntary, blinks+1)
	}
	if k.Blocked < blinks*100_000 {
		t.Errorf("blocked for %d ns, want %d at least", k.Blocked, blinks*100_000)
	}
	if k.OnCPU+k.Blocked+k.RunQueue+k.Unknown != k.Life {
		t.Errorf("%d + %d + %d + %d is not its life of %d ns", k.OnCPU, k.Blocked, k.RunQueue,
			k.Unknown, k.Life)
	}
	if k.WakeupLatency == nil || k.WakeupLatency.N < blinks || k.RunQueueLatency == nil ||
		k.RunQueueLatency.N < k.WakeupLatency.N {
		t.Errorf("wake-up latencies %+v, run-queue latencies %+v, want %d at least",
			k.WakeupLatency, k.RunQueueLatency, blinks)
	}
	names := []string{}
	for _, c := range r.Checks {
		names = append(names, c.Name)
		if c.Status == "fail" || c.Status != "pass" && c.Reason == "" {
			t.Errorf("check %+v", c)
		}
	}
	for _, want := range []string{"nvcsw", "nivcsw", "tasks", "life",
		"sum_exec_runtime", "window"} {
		if !slices.Contains(names, want) {
			t.Errorf("no check %s among %v", want, names)
		}
	}
	if callsOf(r.Values)["shutdown"] != blinks {
		t.Errorf("shutdown: %d, want %d", callsOf(r.Values)["shutdown"], blinks)
	}
	if n := r.LostEvents(); n > 0 {
		t.Errorf("lost %d events", n)
	}
	if r.Cost.Events == 0 || r.Cost.AttachNS == nil || *r.Cost.AttachNS <= 0 {
		t.Errorf("cost: %+v", r.Cost)
	}
}

func TestTraceCount(t *testing.T) {
	skipUntraceable(t)
	r, _ := traceProgram(t, "--count", "--syscalls")
	blinked(t, &r)
}

func TestTraceRecord(t *testing.T) {
	skipUntraceable(t)
	dir := filepath.Join(t.TempDir(), "run")
	r, _ := traceProgram(t, "--record", "--syscalls", "--out", dir)
	blinked(t, &r)
	if !slices.ContainsFunc(r.Wakers, func(p report.TracePair) bool {
		return p.Of == "sy-blink" && p.Count >= blinks
	}) {
		t.Errorf("nobody woke sy-blink %d times: %+v", blinks, r.Wakers)
	}
	// Its tasks have ended, but the kernel's books were read before.
	if d, _ := proc.Here.RunDelay(); d > 0 &&
		!slices.ContainsFunc(r.Checks, func(c event.Check) bool {
			return c.Name == "run_delay" && c.Status == event.Pass && c.Kernel > 0
		}) {
		t.Errorf("run_delay was not compared: %+v", r.Checks)
	}
	if r.Cost.BytesPerEvent == nil || *r.Cost.BytesPerEvent < 16 || *r.Cost.BytesPerEvent > 48 {
		t.Errorf("bytes an event: %v", r.Cost.BytesPerEvent)
	}

	// Again, from the tables: the same, but that the disk does not know what it forgot.
	o := runCommand(t, "report", dir, "--format", "json")
	if o.code != 0 {
		t.Fatalf("report: %s", o.stderr)
	}
	var again report.Trace
	if err := json.Unmarshal([]byte(o.stdout), &again); err != nil {
		t.Fatal(err)
	}
	blinked(t, &again)
	a, _ := json.Marshal(r)
	b, _ := json.Marshal(again)
	if !bytes.Equal(a, b) {
		at := 0
		for at < min(len(a), len(b)) && a[at] == b[at] {
			at++
		}
		at = max(0, at-100)
		t.Errorf("read again, the recording shows something else: %.300s\nand not %.300s",
			b[at:], a[at:])
	}
	if o := runCommand(t, "report", dir); o.code != 0 || !strings.Contains(o.stdout, "sy-blink") ||
		!strings.Contains(o.stdout, "Checks PASS") {
		t.Errorf("report: exit code %d: %s%s", o.code, o.stdout, o.stderr)
	}
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		info, e := d.Info()
		if err != nil || e != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v, %v", path, err, e, info.Mode())
		}
		return nil
	})
	mustFail(t, 1, []string{"recover", dir}, "complete", "switchyard report")
}

// TestTraceKilled kills the tracer at random moments with SIGKILL, which it cannot answer, and with
// the others. It leaves nothing but a spool; that no BPF program is left, and no process, is seen
// when the package's tests end.
func TestTraceKilled(t *testing.T) {
	skipUntraceable(t)
	signals := []os.Signal{unix.SIGKILL, unix.SIGKILL, unix.SIGKILL, unix.SIGTERM, unix.SIGINT}
	for i, signal := range signals {
		t.Run(fmt.Sprint(signal, i), func(t *testing.T) {
			tmp := t.TempDir()
			dir := filepath.Join(tmp, "run")
			// To live as long as the test does, were it not for the tracer.
			sleep, err := exec.LookPath("sleep")
			if err != nil {
				t.Fatal(err)
			}
			cmd := testenv.Program(t, "switchyard", "trace", "--record", "--out", dir, "--format",
				"json", "--", sleep, "4242")
			cmd.Env = append(cmd.Env, "TMPDIR="+tmp)
			var out, errs bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &errs
			if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
				t.Fatal(err)
			}
			defer unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			moment := time.Duration(rand.IntN(600)) * time.Millisecond
			t.Logf("after %v", moment)
			time.Sleep(moment) // no state: whatever state it is in
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			err = cmd.Wait()
			testenv.Eventually(t, "all it started has ended", func() bool {
				_, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
				return err == unix.ECHILD
			}, func() string { return errs.String() })

			var left []string
			filepath.WalkDir(tmp, func(path string, d fs.DirEntry, _ error) error {
				if d.Type().IsRegular() {
					left = append(left, d.Name())
				}
				return nil
			})
			if signal != unix.SIGKILL {
				if err == nil && !json.Valid(out.Bytes()) {
					t.Errorf("no result: %s%s", out.String(), errs.String())
				}
				// It may not have come to answer signals yet. Then there is nothing.
				if len(left) > 0 && !cmd.ProcessState.Exited() {
					t.Errorf("%v left behind %v: %s", err, left, errs.String())
				} else if len(left) > 0 {
					complete(t, dir)
				}
				return
			}
			switch {
			case len(left) == 0:
				return // it had not begun
			case !slices.Equal(left, []string{record.SpoolName}):
				t.Fatalf("left behind: %v", left)
			}
			o := runCommand(t, "recover", dir, "--format", "json")
			if o.code != 0 && strings.Contains(o.stderr, "window") {
				return // it was killed before the window was open
			}
			var r report.Trace
			if err := json.Unmarshal([]byte(o.stdout), &r); err != nil || o.code != 0 {
				t.Fatalf("recover: exit code %d: %v: %s%s", o.code, err, o.stdout, o.stderr)
			}
			if !slices.ContainsFunc(r.Warnings, func(w string) bool { return strings.Contains(w, "cut off") }) {
				t.Errorf("it does not say that it was cut off: %v", r.Warnings)
			}
			if o := runCommand(t, "report", dir); o.code != 0 || !strings.Contains(o.stdout, "cut off") {
				t.Errorf("report: exit code %d: %s%s", o.code, o.stdout, o.stderr)
			}
		})
	}
}

func TestTraceAskedWrongly(t *testing.T) {
	for _, c := range []struct {
		args  []string
		words []string
	}{
		{[]string{"trace"}, []string{"-p PID", "--all", "-- CMD"}},
		{[]string{"trace", "--all", "-p", "1"}, []string{"one of"}},
		{[]string{"trace", "sleep", "1"}, []string{"after --", "-- sleep 1"}},
		{[]string{"trace", "-p", "x"}, []string{`"x"`, "number of a process"}},
		{[]string{"trace", "-p", "-4"}, []string{"number of a process"}},
		{[]string{"trace", "-p", "1", "--count", "--record"}, []string{"not both"}},
		{[]string{"trace", "-p", "1", "--out", "x"}, []string{"--record"}},
		{[]string{"trace", "-p", "1", "--buffer", "1MiB"}, []string{"--record"}},
		{[]string{"trace", "-p", "1", "--record", "--buffer", "12"}, []string{"4KiB to 512MiB"}},
		{[]string{"trace", "-p", "1", "--record", "--buffer", "many"}, []string{"8MiB"}},
		{[]string{"trace", "-p", "1", "--duration", "-1s"}, []string{"more than 0s"}},
		{[]string{"report"}, []string{"directory"}},
		{[]string{"recover"}, []string{"directory"}},
	} {
		mustFail(t, 2, c.args, c.words...)
	}
	empty := t.TempDir()
	mustFail(t, 1, []string{"report", empty}, empty)
	mustFail(t, 1, []string{"recover", empty}, "no recording")
	if err := os.WriteFile(filepath.Join(empty, record.SpoolName),
		[]byte("not a spool at all, but long enough to be one"), 0o600); err != nil {
		t.Fatal(err)
	}
	mustFail(t, 1, []string{"recover", empty}, "not a spool")
	mustFail(t, 1, []string{"report", empty}, "switchyard recover")
	mustFail(t, 1, []string{"trace", "--record", "--all", "--out", empty}, "not empty")
}

func TestTraceWhatIsNotThere(t *testing.T) {
	skipUntraceable(t)
	for args, want := range map[string]struct {
		code int
		word string
	}{
		"-p 4194303 --count":           {1, "no such process"},
		"-p 4194303 --record":          {1, "no such process"},
		"--count -- /no/such/program":  {127, "/no/such/program"},
		"--record -- /no/such/program": {127, "/no/such/program"},
	} {
		cmd := testenv.Program(t, "switchyard",
			append([]string{"trace"}, strings.Fields(args)...)...)
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != want.code || strings.Count(string(out), "\n") != 1 ||
			!strings.Contains(string(out), want.word) {
			t.Errorf("%s: %v: %s", args, err, out)
		}
	}
}

func TestParseSize(t *testing.T) {
	for s, want := range map[string]int{"4096": 4096, "8MiB": 8 << 20, "64K": 64 << 10,
		"512MiB": 512 << 20, "1GiB": 0, "-1": 0, "": 0, "4": 0, "8Mib": 0, "99999999999M": 0} {
		got, err := parseSize(s)
		if got != want || (err == nil) != (want != 0) {
			t.Errorf("%q: %d, %v; want %d", s, got, err, want)
		}
	}
}

// The number of a thread that is not the leader stands for its process, and the result says so.
func TestTraceOfThread(t *testing.T) {
	skipUntraceable(t)
	end := make(chan struct{})
	began := make(chan int)
	done := sys.Thread("sy-follow", func() {
		began <- sys.Gettid()
		<-end
	})
	tid := <-began
	for _, depth := range depths {
		args := slices.Concat(depth,
			[]string{"--duration", "50ms", "-p", fmt.Sprintf("%d,%d", tid, os.Getpid())})
		cmd := testenv.Program(t, "switchyard", args...)
		out, err := cmd.Output()
		var r report.Trace
		if e := json.Unmarshal(out, &r); err != nil || e != nil {
			t.Fatalf("%v: %v, %v", depth, err, e)
		}
		want := fmt.Sprintf("%d is a thread (sy-follow) of process %d: the whole process was followed.",
			tid, os.Getpid())
		if r.Of != fmt.Sprintf("process %d", os.Getpid()) || !slices.Contains(r.Warnings, want) {
			t.Errorf("%v: %s; warnings %q, want %q", depth, r.Of, r.Warnings, want)
		}
		if r.WindowNS < 50e6 {
			t.Errorf("%v: a window of %d ns", depth, r.WindowNS)
		}
	}
	close(end)
	<-done
}
