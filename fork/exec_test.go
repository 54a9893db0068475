package fork

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/testenv"
)

func TestExecNeedsChild(t *testing.T) {
	testenv.Check(t)
	out, err := testenv.Program(t, "noexec").Output()
	if err != nil {
		t.Fatal(err)
	}
	if have() == nil && !strings.Contains(string(out), "fork.Child") {
		t.Errorf("a program that does not call Child: %s", out)
	}
}

// TestExecIsAnotherProgram looks at the process behind a connection.
func TestExecIsAnotherProgram(t *testing.T) {
	testenv.Check(t)
	r := serve(t, "fork/exec", switchyard.Options{})
	c := r.dial()
	c.get("/", "one")
	pid := strconv.Itoa(r.pids()[r.busy()[0]])
	arguments, _ := os.ReadFile(filepath.Join("/proc", pid, "cmdline"))
	if name, _, _ := strings.Cut(string(arguments), "\x00"); name != execName {
		t.Errorf("its name is %q", name)
	}
	if what, _ := os.Readlink(filepath.Join("/proc", pid, "fd", "0")); !strings.HasPrefix(what,
		"socket:") {
		t.Errorf("its standard input is %q", what)
	}
	// Every request is in the parent's books although the process has none of the parent's memory,
	// even when it is killed.
	c.get("/", "one")
	unix.Kill(r.pids()[r.busy()[0]], unix.SIGKILL)
	testenv.Eventually(t, "closed", func() bool { return r.counters.Closed.Load() == 1 })
	if n := r.counters.Requests.Load(); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
}

// TestExecIgnoresWhatIsNotIts has programs begin like a child of fork/exec that are none: Child
// returns.
func TestExecIgnoresWhatIsNotIts(t *testing.T) {
	testenv.Check(t)
	for _, args := range [][]string{{"0", "1", "0"}, {"x", "1", "0"}, {"0", "1", "5"},
		{"999", "1", "0"}, {"0", "99999999999999999", "0"}, {"0", "-1", "-2"}} {
		cmd := testenv.Program(t, "none", args...)
		cmd.Args[0] = execName
		if out, err := cmd.CombinedOutput(); !strings.Contains(string(out), "not in this binary") {
			t.Errorf("%q: %v: %s", args, err, out)
		}
	}
}
