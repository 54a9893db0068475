package trace_test

import (
	"os"
	"os/exec"
	"testing"

	"switchyard/trace"
)

// TestFallbacks runs tests again as an older kernel would have them, on this one.
func TestFallbacks(t *testing.T) {
	session(t, trace.Options{Probes: []string{"syscall", "tlb"}}).Close()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ as, lacking, tests string }{
		{"5.10", "current,atomics,loop,ptregs",
			"^(TestPingPong|TestYield|TestDeath|TestFollowInWindow|TestForkStorm|TestTwoSessions|TestTaskLatencies.*|" +
				"TestRead.*)$"},
		{"5.12", "loop,ptregs", "^(TestPingPong|TestYield|TestForkStorm)$"},
		{"5.15", "loop", "^(TestPingPong|TestForkStorm)$"},
	} {
		t.Run(c.as, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), self, "-test.run="+c.tests, "-test.v")
			cmd.Env = append(os.Environ(), "SWITCHYARD_TEST_LACKING="+c.lacking)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
