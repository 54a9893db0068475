package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/proc"
	"switchyard/internal/report"
	"switchyard/internal/rounds"
	"switchyard/internal/testenv"
	"switchyard/trace"
	"switchyard/trace/event"
)

// runCompare runs the command in a process of its own: it starts its own program again, and gives
// up what capabilities it has.
func runCompare(t *testing.T, args ...string) outcome {
	t.Helper()
	cmd := testenv.Program(t, "switchyard-again", append([]string{"compare"}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// quick are the flags of a run that shows that things work and measures nothing.
var quick = []string{"--rounds", "2", "--duration", "60ms", "--warmup", "20ms", "--clients", "4"}

func compareJSON(t *testing.T, args ...string) report.Compare {
	t.Helper()
	o := runCompare(t, append(append([]string{"--format", "json"}, quick...), args...)...)
	if o.code != 0 {
		t.Fatalf("exit code %d: %s", o.code, o.stderr)
	}
	decode(t, o.stdout, report.CompareSchema)
	var c report.Compare
	if err := json.Unmarshal([]byte(o.stdout), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestCompareAll runs every model, traced where this kernel and this user can, and holds the rows
// to what cannot be otherwise.
func TestCompareAll(t *testing.T) {
	// Each round must hold an answer: with 4 clients a server that is forked for each connection
	// had none in 60 ms on two CPUs that were busy with other things.
	c := compareJSON(t, "--requests-per-conn", "8", "--duration", "250ms")
	if len(c.Models) != len(switchyard.Models()) {
		t.Errorf("%d rows for %d models", len(c.Models), len(switchyard.Models()))
	}
	can := canTrace()
	for _, r := range c.Models {
		m, _ := switchyard.Lookup(r.Model)
		if err := m.Available(); err != nil {
			if r.Available || r.Reason == "" {
				t.Errorf("%s: available %v, reason %q, but %v", r.Model, r.Available, r.Reason, err)
			}
			continue
		}
		if !r.Available || r.Rounds != 2 || r.Requests == 0 || r.Latency == nil ||
			r.RequestsPerSecond == nil || *r.RequestsPerSecond <= 0 {
			t.Errorf("%s: available %v (%s), %d rounds, %d requests; notes %q", r.Model,
				r.Available, r.Reason, r.Rounds, r.Requests, r.Notes)
			continue
		}
		if (r.Program != "") != (m.Program != nil) || m.Program != nil && r.Program != m.Program() {
			t.Errorf("%s: the program that it starts is %q", r.Model, r.Program)
		}
		if r.Errors > 0 {
			t.Errorf("%s: errors %v", r.Model, r.ErrorKinds)
		}
		if k := r.Checks[0]; k.Name != rounds.RequestsCheck || !k.OK() || k.Traced == 0 {
			t.Errorf("%s: requests: %+v", r.Model, r.Checks)
		}
		if r.PSSPerConn == nil {
			t.Errorf("%s: no PSS: %v", r.Model, r.Missing)
		}
		if (r.Throttled == nil) == (r.Missing["throttled"] == "") {
			t.Errorf("%s: throttled %+v, missing because %q", r.Model, r.Throttled, r.Missing["throttled"])
		}
		if r.Traced != can {
			t.Errorf("%s: traced %v, want %v: %s; notes %q", r.Model, r.Traced, can,
				r.TraceReason, r.Notes)
		}
		if !r.Traced {
			if r.TraceReason == "" || r.Switches != nil || r.Forks != nil ||
				callsOf(r.Values) != nil {
				t.Errorf("%s: not traced, reason %q, and yet there are numbers", r.Model,
					r.TraceReason)
			}
			continue
		}
		traced(t, r)
	}
}

func canTrace() bool {
	s, err := trace.Open(trace.Options{Probes: []string{"syscall", "tlb"}})
	if err != nil {
		return false
	}
	s.Close()
	return true
}

// traced holds a traced row to what its design implies.
func traced(t *testing.T, r report.ModelRow) {
	t.Helper()
	names := map[string]bool{}
	for _, k := range r.Checks {
		names[k.Name] = true
		if k.Status == event.Fail {
			t.Errorf("%s: check %s failed: traced %d, kernel %d: %s", r.Model, k.Name, k.Traced,
				k.Kernel, k.Reason)
		}
	}
	if !names["nvcsw"] || !names["nivcsw"] {
		t.Errorf("%s: checks %v", r.Model, names)
	}
	// An interrupt that wakes a task while a waking is being counted on that CPU is lost, and said
	// to be: rare, not never.
	if r.LostEvents > 2+r.Switches.Total()/1000 {
		t.Errorf("%s: %d events lost", r.Model, r.LostEvents)
	}
	// A reply needs a system call to send it, but for io_uring, which is the point of it.
	if n := r.Values.Count("syscalls"); n < r.Requests && r.Model != "poll/io_uring" {
		t.Errorf("%s: %d system calls for %d requests", r.Model, n, r.Requests)
	}
	// Connections of 8 requests: a design that makes a task for each makes one for about every 8
	// requests, the others none. Each of the 4 clients can have had a connection before the window
	// and have one when it ends, and on a busy machine that may be all there is.
	const clients = 4
	perConn := func(what string, made uint64, want bool) {
		switch {
		case want && (made+clients < r.Requests/32 || made > r.Requests/4+2*clients),
			!want && made > r.Requests/50:
			t.Errorf("%s: %d %s for %d requests", r.Model, made, what, r.Requests)
		}
	}
	perConn("forks", *r.Forks, r.Model == "fork/per-conn" || r.Model == "fork/exec")
	if r.Model != "fork/exec" { // its programs have a Go runtime each
		perConn("threads", *r.ThreadsCreated, r.Model == "threads/per-conn")
	}
	m, _ := switchyard.Lookup(r.Model)
	named := callsOf(r.Values)[m.Syscalls[0]]
	if m.Syscalls[0] == "clone" { // a test program built with cgo makes threads as libc does
		named += callsOf(r.Values)["clone3"]
	}
	if named == 0 && !strings.Contains(r.Model, "futex") && !strings.Contains(r.Model, "mutex") {
		// A lock that nobody waits for makes no system call.
		t.Errorf("%s is named after %v, and made %v", r.Model, m.Syscalls, callsOf(r.Values))
	}
}

// TestCompareBare runs with no capability: what needs no probe is all there.
func TestCompareBare(t *testing.T) {
	cmd := testenv.Program(t, "switchyard-bare",
		append([]string{"compare", "poll/epoll", "--format", "json"}, quick...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if cmd.ProcessState.ExitCode() == 3 && strings.Contains(stderr.String(), "cgo") {
		t.Skip("this test program was built with cgo")
	}
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	var c report.Compare
	if err := json.Unmarshal(stdout.Bytes(), &c); err != nil {
		t.Fatal(err)
	}
	r := c.Models[0]
	if r.Traced || !strings.Contains(r.TraceReason, "CAP_BPF") || r.Switches != nil {
		t.Errorf("traced %v, reason %q, switches %v", r.Traced, r.TraceReason, r.Switches)
	}
	if r.Rounds != 2 || r.PSSPerConn == nil || r.PSSConnections == 0 || r.CPU == nil ||
		r.Latency == nil {
		t.Errorf("%d rounds, PSS %v of %d connections, CPU %v, latency %v, missing %v", r.Rounds,
			r.PSSPerConn, r.PSSConnections, r.CPU, r.Latency, r.Missing)
	}
}

func TestCompareEcho(t *testing.T) {
	c := compareJSON(t, "--protocol", "echo", "--requests-per-conn", "0", "poll/epoll",
		"threads/per-conn", "--no-trace")
	if len(c.Models) != 2 || c.Models[0].Model != "poll/epoll" || c.Models[1].Requests == 0 {
		t.Errorf("rows %+v", c.Models)
	}
	for _, r := range c.Models {
		if len(r.Checks) != 1 || r.Checks[0].Name != rounds.RequestsCheck || !r.Checks[0].OK() {
			t.Errorf("%s: checks %+v", r.Model, r.Checks)
		}
		if r.Traced || r.TraceReason == "" {
			t.Errorf("%s: traced %v, reason %q, with --no-trace", r.Model, r.Traced, r.TraceReason)
		}
	}
}

// What was left to a default is in the result, and so is what the load says of clients that were
// not served.
func TestCompareTellsWhatItDid(t *testing.T) {
	c := compareJSON(t, "threads/pool", "threads/iterative", "poll/epoll-exclusive",
		"--requests-per-conn", "0", "--no-trace")
	if c.Options.MaxConns != 10_000 || c.Options.Spins == 0 {
		t.Errorf("options %+v", c.Options)
	}
	pool, alone, loops := c.Models[0], c.Models[1], c.Models[2]
	if pool.Workers != 4 || alone.Workers != 0 || loops.Workers < 1 {
		t.Errorf("workers %d, %d and %d", pool.Workers, alone.Workers, loops.Workers)
	}
	starved := false
	for _, n := range alone.Notes {
		starved = starved || strings.Contains(n, "3 of 4 clients had no good response")
	}
	if warnings := strings.Join(alone.LoadWarnings, "\n"); !starved ||
		!strings.Contains(warnings, "round 1: ") || !strings.Contains(warnings, "3 of 4 clients") {
		t.Errorf("notes %q, warnings %q", alone.Notes, alone.LoadWarnings)
	}
}

func TestCompareFormats(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "results")
	args := append([]string{"poll/poll", "--no-trace"}, quick...)
	text := runCompare(t, append(args, "--out", dir)...)
	if text.code != 0 || !strings.Contains(text.stdout, "poll/poll") ||
		!strings.Contains(text.stdout, "Traced columns are empty: --no-trace was given.") {
		t.Errorf("exit code %d:\n%s\n%s", text.code, text.stdout, text.stderr)
	}
	if !strings.Contains(text.stderr, dir) {
		t.Errorf("standard error does not say where the report is: %q", text.stderr)
	}
	for _, name := range []string{"manifest.json", "rounds.jsonl"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Size() == 0 || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if shown := runCommand(t, "report", dir); shown.code != 0 || shown.stdout != text.stdout ||
		shown.stderr != "" {
		t.Errorf("report: exit code %d, %q:\n%s\ncompare printed:\n%s", shown.code, shown.stderr,
			shown.stdout, text.stdout)
	}
	if again := runCompare(t, append(args, "--out", dir)...); again.code != 1 ||
		!strings.Contains(again.stderr, "not empty") {
		t.Errorf("a second run into the same directory: exit code %d, %q", again.code, again.stderr)
	}
	sheet := runCompare(t, append(args, "--format", "csv", "-q")...)
	if rows, err := csv.NewReader(strings.NewReader(sheet.stdout)).ReadAll(); err != nil ||
		len(rows) != 2 {
		t.Errorf("CSV: %v, %v", rows, err)
	}
	if md := runCompare(t, append(args, "--format", "markdown", "-q")...); !strings.HasPrefix(
		md.stdout, "| model |") || md.stderr != "" {
		t.Errorf("Markdown: %q, %q", md.stdout, md.stderr)
	}
}

// Every form of a comparison can be made again from its directory, to the byte, with counts and
// without.
func TestCompareIsShownAgain(t *testing.T) {
	for _, more := range [][]string{nil, {"--no-trace"}} {
		for _, format := range []string{"text", "json", "csv", "markdown"} {
			dir := filepath.Join(t.TempDir(), "run")
			args := append([]string{"poll/epoll", "threads/iterative", "--requests-per-conn", "0",
				"--format", format, "--out", dir, "-q"}, quick...)
			printed := runCompare(t, append(args, more...)...)
			shown := runCommand(t, "report", dir, "--format", format)
			if printed.code != 0 || shown.code != 0 || shown.stdout != printed.stdout ||
				shown.stderr != "" {
				t.Errorf("%s %q: exit codes %d and %d, %q, %q; compare printed:\n%s\nreport:\n%s",
					format, more, printed.code, shown.code, printed.stderr, shown.stderr,
					printed.stdout, shown.stdout)
			}
		}
	}
}

// What report is asked for and a run of that kind does not have is said.
func TestReportOfAnotherKind(t *testing.T) {
	dir := t.TempDir()
	write := func(schema string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "manifest.json"),
			[]byte(`{"schema":"`+schema+`"}`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("switchyard.run/4")
	mustFail(t, exitUsage, []string{"report", dir, "--format", "csv"},
		"a recording has no such form", "json")
	write("switchyard.compare-run/7")
	mustFail(t, exitFailed, []string{"report", dir}, "newer switchyard", "compare-run/7")
	write("switchyard.cake/1")
	mustFail(t, exitFailed, []string{"report", dir}, "damaged", "cake")
}

func TestCompareAskedWrongly(t *testing.T) {
	for _, test := range []struct {
		args []string
		say  string
	}{
		{[]string{"poll/epol"}, "poll/epoll"},
		{[]string{"--clients", "0"}, "--clients 0"},
		{[]string{"--rounds", "0"}, "--rounds 0"},
		{[]string{"--duration", "0s"}, "--duration"},
		{[]string{"--requests-per-conn", "-1"}, "--requests-per-conn"},
		{[]string{"--server-cpus", "a"}, "CPU list"},
		{[]string{"--server-cpus", "1000"}, "CPU 1000"},
		{[]string{"--path", "x"}, "--path"},
		{[]string{"--path", "/\r\nHost: x"}, "--path"},
		{[]string{"--path", "/crash"}, "--path"},
		{[]string{"--protocol", "smtp"}, "protocol"},
		{[]string{"--format", "xml"}, "format"},
		{[]string{"--nonsense"}, "nonsense"},
	} {
		mustFail(t, 2, append([]string{"compare"}, test.args...), test.say)
	}
}

// TestCompareInterrupted interrupts a run: what was measured is printed, and no process is left.
func TestCompareInterrupted(t *testing.T) {
	// What a process leaves behind comes to this one, and not to init.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	defer unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
	cmd := testenv.Program(t, "switchyard-again", "compare", "fork/fd-pass", "fork/prefork",
		"--rounds", "1000", "--duration", "50ms", "--clients", "4", "--format", "json")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	loads := map[int]bool{}
	testenv.Eventually(t, "one round of both is over", func() bool {
		tree, _ := proc.Tree(cmd.Process.Pid)
		for _, pid := range tree {
			if strings.Contains(commandLines([]int{pid}), "--control-fd") {
				loads[pid] = true
			}
		}
		return len(loads) > 2
	})
	cmd.Process.Signal(os.Interrupt)
	cmd.Wait()
	if pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); err != unix.ECHILD {
		t.Errorf("left behind: process %d, %v", pid, err)
	}
	if code := cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit code %d: %s", code, stderr.String())
	}
	var c report.Compare
	if err := json.Unmarshal(stdout.Bytes(), &c); err != nil || !c.Interrupted ||
		len(c.Models) != 2 {
		t.Errorf("interrupted %v, %d rows, %v", c.Interrupted, len(c.Models), err)
	}
	if !strings.Contains(stderr.String(), "interrupted") {
		t.Errorf("standard error: %q", stderr.String())
	}
}

func TestChooseModels(t *testing.T) {
	list, err := chooseModels([]string{"threads/pool", "poll", "poll/epoll"})
	if err != nil || list[0].Name != "threads/pool" || len(list) != 8 {
		t.Errorf("%d models, %v", len(list), err)
	}
}
