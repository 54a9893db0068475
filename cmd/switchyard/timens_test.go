package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"testing"
	"time"

	"switchyard/internal/report"
	"switchyard/internal/testenv"
)

// In a time namespace, whose clocks are ahead, both depths see what they see outside of it.
func TestTraceInTimeNamespace(t *testing.T) {
	skipUntraceable(t)
	unshare, err := exec.LookPath("unshare")
	if err == nil {
		err = exec.Command(unshare, "--time", "--boottime", "1", "--fork", "true").Run()
	}
	if err != nil {
		testenv.Skip(t, "no time namespaces here: "+err.Error(), func() error {
			_, err := os.Stat("/proc/self/timens_offsets")
			return err
		})
	}
	for _, depth := range []string{"--count", "--record"} {
		cmd := testenv.Program(t, "switchyard", "trace", depth, "--calibrate=false", "--format",
			"json", "--", "/bin/sleep", "0.02")
		cmd.Args = append([]string{unshare, "--time", "--monotonic", "7000", "--boottime", "100000",
			"--fork", cmd.Path}, cmd.Args[1:]...)
		cmd.Path = unshare
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v: %s", depth, err, out)
		}
		var r report.Trace
		if err := json.Unmarshal(out, &r); err != nil {
			t.Fatal(err)
		}
		if d := time.Duration(r.WindowNS); d < 20*time.Millisecond || d > time.Hour {
			t.Errorf("%s: a window of %v", depth, d)
		}
		if r.Total.Wakeups == 0 || len(r.Tasks) != 1 {
			t.Errorf("%s: %d tasks, woken up %d times", depth, len(r.Tasks), r.Total.Wakeups)
		}
	}
}
