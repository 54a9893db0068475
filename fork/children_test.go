package fork

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"switchyard"
	"switchyard/internal/testenv"
)

// state is a process' state in /proc (proc_pid_stat(5)), or 0 when there is none.
func processState(pid int) byte {
	b, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	_, rest, ok := strings.Cut(string(b), ") ")
	if !ok || rest == "" {
		return 0
	}
	return rest[0]
}

func TestNoZombies(t *testing.T) {
	each(t, func(t *testing.T, model string) {
		r := serve(t, model, switchyard.Options{Workers: 2})
		for range 8 {
			c := r.dial()
			c.get("/", "one")
			c.send("/crash")
			c.receive()
			c.Close()
		}
		testenv.Eventually(t, "eight crashed", func() bool {
			return r.counters.Crashed.Load() == 8
		})
		testenv.Eventually(t, "no zombies", func() bool {
			for _, pid := range testenv.Children() {
				if processState(pid) == 'Z' {
					return false
				}
			}
			return true
		})
		if has(pools, model) {
			testenv.Eventually(t, "eight were replaced", func() bool {
				return r.counters.Respawned.Load() == 8
			})
		} else if n := r.counters.Respawned.Load(); n != 0 {
			t.Errorf("%d respawned", n)
		}
	})
}

// TestStrangersAreLeftAlone has the program make children of its own and wait for them late:
// neither may the server take them, nor their zombies hide the server's.
func TestStrangersAreLeftAlone(t *testing.T) {
	for _, model := range []string{"fork/per-conn", "fork/prefork"} {
		t.Run(strings.TrimPrefix(model, "fork/"), func(t *testing.T) {
			testenv.Check(t)
			r := serve(t, model, switchyard.Options{Workers: 2})
			var strangers []*exec.Cmd
			for i := range 3 {
				cmd := testenv.Program(t, "exit", strconv.Itoa(40+i))
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				strangers = append(strangers, cmd)
			}
			for _, cmd := range strangers {
				testenv.Eventually(t, "a stranger is a zombie", func() bool {
					return processState(cmd.Process.Pid) == 'Z'
				})
			}
			for range 5 {
				c := r.dial()
				c.get("/", "one")
				c.send("/crash")
				c.receive()
				c.Close()
			}
			testenv.Eventually(t, "the server's own are reaped", func() bool {
				return r.counters.Crashed.Load() == 5
			})
			for i, cmd := range strangers {
				cmd.Wait()
				if code := cmd.ProcessState.ExitCode(); code != 40+i {
					t.Errorf("stranger %d: %v", i, cmd.ProcessState)
				}
			}
			if err := r.Drain(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestTwoServers has two servers in one program, each with children.
func TestTwoServers(t *testing.T) {
	testenv.Check(t)
	a := serve(t, "fork/per-conn", switchyard.Options{})
	b := serve(t, "fork/prefork", switchyard.Options{Workers: 2})
	for range 10 {
		for _, r := range []*running{a, b} {
			c := r.dial()
			c.get("/", "one")
			c.Close()
		}
	}
	if err := a.Drain(); err != nil {
		t.Error(err)
	}
	b.dial().get("/", "one")
	if err := b.Drain(); err != nil {
		t.Error(err)
	}
	if n := a.counters.Requests.Load(); n != 10 {
		t.Errorf("%d requests, want 10", n)
	}
}

// TestKilledParentLeavesNoChild kills a serving program the hard way.
func TestKilledParentLeavesNoChild(t *testing.T) {
	each(t, func(t *testing.T, model string) {
		if err := haveExec(); err != nil {
			t.Skip(err)
		}
		cmd := testenv.Program(t, "serve", model)
		p := startServing(t, cmd)
		c := p.dial()
		c.get("/", "one")
		pids := childrenOf(cmd.Process.Pid)
		if len(pids) == 0 {
			t.Fatal("no children")
		}
		cmd.Process.Kill()
		cmd.Wait()
		testenv.Eventually(t, "its children are gone", func() bool {
			for _, pid := range pids {
				// Whoever adopts them may be slow to reap.
				if s := processState(pid); s != 0 && s != 'Z' && s != 'X' {
					return false
				}
			}
			return true
		})
	})
}

func TestReaperSurvivesAStolenChild(t *testing.T) {
	testenv.Check(t)
	cmd := testenv.Program(t, "thief")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func TestBackoff(t *testing.T) {
	var p place
	start := time.Now()
	var waits []time.Duration
	for range 9 {
		p.died(start, start.Add(time.Millisecond))
		waits = append(waits, p.due.Sub(start.Add(time.Millisecond)))
	}
	for i, want := range []time.Duration{10, 20, 40, 80, 160, 320, 640, 1000, 1000} {
		if waits[i] != want*time.Millisecond {
			t.Errorf("death %d at once: %v until the next, want %v", i+1, waits[i],
				want*time.Millisecond)
		}
	}
	p.died(start, start.Add(hastyLife))
	if wait := p.due.Sub(start.Add(hastyLife)); wait != 0 {
		t.Errorf("after a life of %v: %v", hastyLife, wait)
	}
}
