package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"switchyard/internal/proc"
	"switchyard/internal/testenv"
)

// TestCompareKilled kills compare in the middle of a round with SIGKILL, which it cannot answer:
// the server, its workers and the load end with it.
func TestCompareKilled(t *testing.T) {
	for _, model := range []string{"fork/prefork", "fork/exec", "threads/pool"} {
		t.Run(model, func(t *testing.T) {
			killed(t, compareProgram(t, model), false)
		})
	}
}

// TestCompareKilledWithFileCapabilities does so where compare is a file with capabilities that
// another user runs: the kernel then forgets, at each exec, that a process is to die with its
// parent.
func TestCompareKilledWithFileCapabilities(t *testing.T) {
	// Then threads keep their capabilities, and the rest holds all the same.
	cgo := testenv.Program(t, "switchyard-bare", "version").Run() != nil
	for _, model := range []string{"fork/prefork", "fork/exec", "threads/pool"} {
		t.Run(model, func(t *testing.T) {
			cmd := compareProgram(t, model)
			testenv.Capable(t, cmd)
			killed(t, cmd, !cgo)
		})
	}
}

// compareProgram is a run with one long round, without probes.
func compareProgram(t *testing.T, model string) *exec.Cmd {
	return testenv.Program(t, "switchyard-again", "compare", model, "--rounds", "1", "--duration",
		"1m", "--clients", "4", "--no-trace")
}

// killed starts cmd, kills it once its server and load are at work, and sees them end. Where the
// file has capabilities they must have given them up.
func killed(t *testing.T, cmd *exec.Cmd, capable bool) {
	// What it leaves behind comes to this process, and not to init.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	defer unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
	stderr := newRecorder()
	cmd.Stderr = stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	var tree []int
	testenv.Eventually(t, "a server and its load are at work", func() bool {
		tree, _ = proc.Tree(cmd.Process.Pid)
		return strings.Contains(commandLines(tree), "--stats-fd") &&
			strings.Contains(commandLines(tree), "--control-fd") &&
			(!capable || bare(tree[1:]))
	}, func() string { return fmt.Sprintf("%s\n%s", commandLines(tree), stderr) })
	if capable && bare(tree[:1]) {
		t.Error("compare itself has no capability: nothing is tested")
	}
	testenv.Eventually(t, "the load has worked for a while", func() bool {
		return used(tree) > 200*time.Millisecond
	})
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	testenv.Eventually(t, "all it started has ended", func() bool {
		_, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
		return err == unix.ECHILD
	}, func() string {
		tree, _ := proc.Tree(os.Getpid())
		return commandLines(tree)
	})
}

// used is the CPU time of processes (schedstat: ns on a CPU, of each thread).
func used(pids []int) (sum time.Duration) {
	for _, pid := range pids {
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
		for _, task := range tasks {
			var ns int64
			stat, _ := os.ReadFile(task)
			fmt.Sscan(string(stat), &ns)
			sum += time.Duration(ns)
		}
	}
	return sum
}

// commandLines is the command lines of processes, one a line.
func commandLines(pids []int) string {
	var b strings.Builder
	for _, pid := range pids {
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		fmt.Fprintf(&b, "%d %s\n", pid, strings.ReplaceAll(string(line), "\x00", " "))
	}
	return b.String()
}

// bare reports whether no thread of the processes has a capability.
func bare(pids []int) bool {
	for _, pid := range pids {
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
		for _, task := range tasks {
			status, err := os.ReadFile(task)
			if err == nil && !strings.Contains(string(status), "CapPrm:\t0000000000000000") {
				return false
			}
		}
	}
	return true
}
