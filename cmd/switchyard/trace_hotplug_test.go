package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"switchyard/internal/record"
	"switchyard/internal/report"
	"switchyard/internal/testenv"
	"switchyard/trace/event"
	"switchyard/trace/spool"
)

// TestTraceOffline: a CPU that goes offline while all tasks are recorded fails no check, and the
// result says when it was.
func TestTraceOffline(t *testing.T) {
	skipUntraceable(t)
	cpu := testenv.Unpluggable(t)
	dir := filepath.Join(t.TempDir(), "run")
	var out, errs bytes.Buffer
	cmd := testenv.Program(t, "switchyard", "trace", "--record", "--all", "--out", dir,
		"--calibrate=false", "--format", "json")
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() }) // if it has not ended
	testenv.Eventually(t, "open window", func() bool {
		r, err := spool.Open(filepath.Join(dir, record.SpoolName))
		if err != nil {
			return false
		}
		defer r.Close()
		return r.Opens()
	})
	cpu.Offline(t)
	cpu.Online(t)
	cmd.Process.Signal(os.Interrupt)
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %s", err, errs.String())
	}
	var r report.Trace
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	for _, c := range r.Checks {
		if c.Status == event.Fail {
			t.Errorf("%+v", c)
		}
		leaves := slices.Contains([]string{"nvcsw", "nivcsw", "life", "run_delay"}, c.Name)
		if c.Status == event.Pass && leaves != strings.Contains(c.Reason, "(migration/") {
			t.Errorf("%s says %q", c.Name, c.Reason)
		}
	}
	if len(r.Offline) != 1 || r.Offline[0].CPU != int(cpu) || r.Offline[0].From <= 0 ||
		r.Offline[0].To <= r.Offline[0].From || r.Offline[0].To >= r.WindowNS {
		t.Errorf("offline %+v in a window of %d ns", r.Offline, r.WindowNS)
	}
	for _, c := range r.CPUs {
		// A kernel can keep tasks from tracing: what is on a CPU then is unknown.
		if (c.Offline > 0) != (c.Number == int(cpu)) ||
			int64(c.Busy+c.Idle+c.Offline+c.Unknown) != r.WindowNS {
			t.Errorf("in a window of %d ns: %+v", r.WindowNS, c)
		}
	}
}
