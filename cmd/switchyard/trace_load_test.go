package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"switchyard/internal/load"
	"switchyard/internal/report"
	"switchyard/internal/testenv"
)

// traceLoaded runs "switchyard trace" as a process of its own and returns what it printed, and how
// it ended.
func traceLoaded(t *testing.T, args ...string) (r report.Trace, stderr string, err error) {
	t.Helper()
	cmd := testenv.Program(t, "switchyard-again",
		append([]string{"trace", "--format", "json", "--calibrate=false"}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	if out.Len() > 0 {
		if e := json.Unmarshal(out.Bytes(), &r); e != nil {
			t.Fatal(e)
		}
	}
	return r, errs.String(), err
}

// The window is around the load's, the result has what the clients saw, and so has the run
// directory.
func TestTraceLoad(t *testing.T) {
	skipUntraceable(t)
	server := testenv.Program(t, "switchyard", "serve", "poll/epoll", "--listen", "127.0.0.1:0")
	stderr := newRecorder()
	server.Stderr = stderr
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		server.Process.Signal(syscall.SIGTERM)
		server.Wait()
	}()
	target := "http://" + stderr.line(t, "listening on ") + "/"
	pid := strconv.Itoa(server.Process.Pid)
	dir := filepath.Join(t.TempDir(), "run")
	for _, depth := range [][]string{{"--count", "--syscalls"},
		{"--record", "--syscalls", "--out", dir}} {
		r, errs, err := traceLoaded(t,
			append(depth, "-p", pid, "--load", target+" --clients 3 --duration 300ms")...)
		if err != nil {
			t.Fatalf("%v: %v: %s", depth, err, errs)
		}
		l := r.Load
		if l == nil || l.Target != target || l.Loop != "closed" || l.Clients != 3 ||
			l.Requests == 0 || l.Errors != 0 || l.Latency.Max <= 0 {
			t.Fatalf("%v: load %+v", depth, l)
		}
		if r.WindowNS < int64(l.Seconds*1e9) || l.Seconds < 0.3 {
			t.Errorf("%v: %d ns around the load's %v s", depth, r.WindowNS, l.Seconds)
		}
		// Every answer is a write of its own: the loop had that many calls at least.
		calls := uint64(0)
		for _, n := range callsOf(r.Values) {
			calls += n
		}
		if calls < 2*l.Requests {
			t.Errorf("%v: %d system calls for %d requests", depth, calls, l.Requests)
		}
	}

	kept, err := os.ReadFile(filepath.Join(dir, "load.json"))
	if err != nil {
		t.Fatal(err)
	}
	var saw load.Result
	if err := json.Unmarshal(kept, &saw); err != nil || saw.Histograms.Latency == "" {
		t.Errorf("load.json: %v, %+v", err, saw)
	}
	o := runCommand(t, "report", dir, "--format", "json")
	var again report.Trace
	if err := json.Unmarshal([]byte(o.stdout), &again); err != nil || again.Load == nil ||
		again.Load.Requests != saw.Requests {
		t.Errorf("read again: %v, %+v, want %d requests", err, again.Load, saw.Requests)
	}
	if o := runCommand(t, "report", dir); !strings.Contains(o.stdout,
		"Load on "+target+" by 3 clients, in a closed loop: "+
			strconv.FormatUint(saw.Requests, 10)) {
		t.Errorf("report: %s", o.stdout)
	}
	for _, bad := range []string{"{", `{"requests":-1}`, `[]`} {
		if err := os.WriteFile(filepath.Join(dir, "load.json"), []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		mustFail(t, 1, []string{"report", dir}, "load.json")
	}
}

// A command that is a server is given time to listen; the load's end is its end.
func TestTraceLoadOfCommand(t *testing.T) {
	skipUntraceable(t)
	l, err := net.Listen("tcp", "127.0.0.1:0") // a port that is free
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	serve := testenv.Program(t, "switchyard", "serve", "threads/pool", "--listen", address)
	args := []string{"--count", "--load", "--rate 100 --duration 300ms --clients 2 http://" +
		address + "/", "--", "/usr/bin/env"}
	for _, e := range serve.Env {
		if strings.HasPrefix(e, "SWITCHYARD_") {
			args = append(args, e)
		}
	}
	r, errs, err := traceLoaded(t, append(args, serve.Args...)...)
	if err != nil || r.Load == nil || r.Load.Loop != "open" || r.Load.Requests == 0 {
		t.Errorf("%v: load %+v: %s", err, r.Load, errs)
	}
	if r.Total.Switches.Voluntary == 0 {
		t.Error("the server was not traced")
	}
}

// A trace that ends before its load says that nothing of that is kept. A load that cannot be is one
// line.
func TestTraceLoadFails(t *testing.T) {
	mustFail(t, 2, []string{"trace", "--all", "--load", " "}, "--load", "target")
	skipUntraceable(t)
	server := startServe(t, "poll/epoll")
	r, errs, err := traceLoaded(t, "--count", "--load", "http://"+server.addr+"/ --duration 1m",
		"--", "/bin/sleep", "0.2")
	if err != nil || r.Load != nil || len(r.Warnings) == 0 ||
		!strings.Contains(strings.Join(r.Warnings, " "), "nothing is kept") {
		t.Errorf("%v: load %+v, warnings %q: %s", err, r.Load, r.Warnings, errs)
	}
	for args, want := range map[string]string{
		"nonsense":                    "--load",
		"http://127.0.0.1:1/":         "connection refused",
		"http://127.0.0.1:1/ --colts": "--colts",
	} {
		_, errs, err := traceLoaded(t, "--count", "-p", strconv.Itoa(os.Getpid()), "--load", args)
		if err == nil || !strings.Contains(errs, want) || strings.Count(errs, "\n") != 1 {
			t.Errorf("--load %q: %v: %s", args, err, errs)
		}
	}
	// What was seen is shown, and kept, all the same.
	dir := filepath.Join(t.TempDir(), "run")
	for _, depth := range [][]string{{"--count"}, {"--record", "--out", dir}} {
		r, errs, err := traceLoaded(t,
			append(depth, "--load", "http://127.0.0.1:1/", "--", "/bin/sh", "-c", "exit 77")...)
		// The command's own exit code, which is 77, is not that of a trace that failed.
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != exitFailed ||
			!strings.Contains(errs, "does not listen") {
			t.Errorf("%v: a command that is no server: %v: %s", depth, err, errs)
		}
		if len(r.Tasks) != 1 || r.Load != nil || !strings.Contains(strings.Join(r.Warnings, " "), "The command failed") {
			t.Errorf("%v: %d tasks, load %+v, warnings %q", depth, len(r.Tasks), r.Load, r.Warnings)
		}
	}
	if o := runCommand(t, "report", dir); o.code != 0 {
		t.Errorf("report of what was recorded: %+v", o)
	}
}
