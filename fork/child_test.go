package fork

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"switchyard"
	"switchyard/internal/testenv"
)

// TestChildNeedsNoRuntime checks, on the linker's own account of nosplit functions, that nothing a
// forked child can reach grows the stack, allocates, or has a write barrier, and how much of the
// stack is left.
func TestChildNeedsNoRuntime(t *testing.T) {
	if raceEnabled || unoptimised() != "" {
		t.Skip("this build has no children")
	}
	gotool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command to link with")
	}
	if _, err := os.Stat("child.go"); err != nil {
		t.Skip("no source to link: the test does not run in its directory")
	}
	cmd := exec.CommandContext(t.Context(), gotool, "test", "-c", "-ldflags=-debugnosplit", "-o",
		filepath.Join(t.TempDir(), "linked"), ".")
	account, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%.2000s", cmd, err, account)
	}
	// "nosplit: caller<ABI> +frame -> callee<ABI>"
	calls, frames := map[string][]string{}, map[string]int{}
	line := regexp.MustCompile(`(?m)^nosplit: (\S+) \+(\d+)(?: -> (\S+))?$`)
	for _, m := range line.FindAllStringSubmatch(string(account), -1) {
		frames[m[1]], _ = strconv.Atoi(m[2])
		if m[3] != "" && !slices.Contains(calls[m[1]], m[3]) {
			calls[m[1]] = append(calls[m[1]], m[3])
		}
	}
	var depth func(f string, chain []string) int
	depth = func(f string, chain []string) int {
		chain = append(chain, f)
		if strings.HasPrefix(f, "syscall.runtime_") {
			return frames[f] // the runtime's bracket around a fork is made for this
		}
		// Of the runtime only what moves and compares memory, in assembly.
		name, inRuntime := strings.CutPrefix(f, "runtime.")
		if inRuntime && !strings.HasPrefix(name, "mem") && !strings.HasPrefix(name, "duff") ||
			f == "indirect" || len(chain) > 30 {
			t.Errorf("a child can reach %s", strings.Join(chain, " → "))
			return 0
		}
		most := 0
		for _, to := range calls[f] {
			most = max(most, depth(to, chain))
		}
		return frames[f] + most
	}
	// The linker's limit on amd64, as its own complaint gives it.
	const limit = 792
	for _, f := range []string{"perConn", "exec", "prefork", "preforkFlock", "preforkFutex",
		"fdPass"} {
		f = "switchyard/fork.(*worker)." + f + "<1>"
		if len(calls[f]) == 0 {
			t.Errorf("%s is not in the linker's account", f)
			continue
		}
		n := depth(f, nil)
		t.Logf("%s: %d bytes of stack, %d left", f, n, limit-n)
		if n > limit {
			t.Errorf("%s: %d bytes of stack", f, n)
		}
	}
}

// A program that is executed has descriptors of its own, and what the tests' parent let through: of
// it only the sockets are looked at.
func TestChildrenKeepOnlyTheirDescriptors(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	each(t, func(t *testing.T, model string) {
		s := serve(t, model, switchyard.Options{Workers: 2})
		c := s.dial()
		c.get("/", "one")
		pids := s.pids()
		if len(pids) == 0 {
			t.Fatal("no children")
		}
		for slot, pid := range pids {
			wantName := fmt.Sprintf("sy-work/%d", slot)
			if !has(pools, model) {
				wantName = "sy-conn"
			}
			testenv.Eventually(t, "its name is "+wantName, func() bool {
				return comm(pid) == wantName
			})
			files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
			sockets := 0
			for _, file := range files {
				what, _ := os.Readlink(file)
				n, _ := strconv.Atoi(filepath.Base(file))
				isSocket := strings.HasPrefix(what, "socket:")
				if isSocket {
					sockets++
				}
				if n > 2 && !isSocket && !(model == "fork/prefork-flock" && strings.HasPrefix(what,
					"/memfd:sy-accept-lock")) && model != "fork/exec" {
					t.Errorf("%s has descriptor %d: %s", wantName, n, what)
				}
			}
			// A connection; in a pool also what connections come from.
			most := 2
			if !has(pools, model) {
				most = 1
			}
			if sockets < 1 || sockets > most {
				t.Errorf("%s has %d sockets: %v", wantName, sockets, files)
			}
		}
	})
}

// TestLinger checks that a client which goes on sending after an error sees the reply, and is not
// waited for long.
func TestLinger(t *testing.T) {
	each(t, func(t *testing.T, model string) {
		r := serve(t, model, switchyard.Options{Workers: 2})
		c := r.dial()
		fmt.Fprintf(c, "POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n")
		c.Write(make([]byte, 100_000))
		if _, err := c.receive(); err != nil {
			t.Errorf("the reply: %v", err)
		}
		testenv.Eventually(t, "closed without the client's doing", func() bool {
			return r.counters.Closed.Load() == 1
		})
	})
}
