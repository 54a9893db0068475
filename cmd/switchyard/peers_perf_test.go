package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// A sighting is one scheduling event as one tracer saw it. Tasks are TIDs.
type sighting struct {
	time int64 // ns, CLOCK_BOOTTIME
	cpu  int
	peerKey

	idle     bool // of ours: the idle task was current
	inKernel bool // of a switch: preempted inside the kernel, R+
	nobody   bool // perf has no TID for the task that was current
}

// peerKey is what two tracers must agree on.
type peerKey struct {
	what        string // switch, waking, wake_new, migrate
	task, other int    // of a switch, prev and next
	voluntary   bool   // of a switch
}

func (k peerKey) String() string {
	s := fmt.Sprintf("%s of %d", k.what, k.task)
	if k.what == "switch" {
		s += fmt.Sprintf(" to %d, voluntary %v", k.other, k.voluntary)
	}
	return s
}

var (
	perfLost = regexp.MustCompile(`LOST(?:_SAMPLES)? events:\s+(\d+)`)
	// perf pads the TID and the seconds to five places with blanks, and the CPU to three with zeros
	// (perf_sample__fprintf_start).
	perfLine    = regexp.MustCompile(`^\s*(-?\d+)\s+\[(\d+)\]\s+(\d+)\.(\d{9}):\s+sched:sched_(\w+):\s+(.*)$`)
	perfSwitch  = regexp.MustCompile(`prev_pid=(\d+) prev_prio=-?\d+ prev_state=(\S+) ==> next_comm=.* next_pid=(\d+) next_prio=-?\d+$`)
	perfWaking  = regexp.MustCompile(` pid=(\d+) prio=-?\d+ target_cpu=\d+$`)
	perfMigrate = regexp.MustCompile(` pid=(\d+) prio=-?\d+ orig_cpu=\d+ dest_cpu=\d+$`)
)

// perfEvents reads what perf recorded, by CPU in the order of time. offset is CLOCK_BOOTTIME less
// CLOCK_MONOTONIC. The error is perf's: that it cannot read what it has written.
func perfEvents(t *testing.T, file string, offset int64) (byCPU map[int][]sighting, lost bool,
	err error) {
	t.Helper()
	err = perfOutput(t, func(r io.Reader) {
		var bad error
		if byCPU, lost, bad = readPerfEvents(r, offset); bad != nil {
			t.Fatalf("perf script: %v", bad)
		}
	}, "script", "-i", file, "--ns", "--show-lost-events", "-F", "tid,cpu,time,event,trace")
	if err != nil {
		return nil, false, err
	}
	err = perfOutput(t, func(r io.Reader) {
		for lines := bufio.NewScanner(r); lines.Scan(); {
			if m := perfLost.FindStringSubmatch(lines.Text()); m != nil && m[1] != "0" {
				lost = true
			}
		}
	}, "report", "--stats", "-i", file)
	return byCPU, lost, err
}

// readPerfEvents reads the lines of perf script. Each must be one that it knows, and there must be
// an event.
func readPerfEvents(r io.Reader, offset int64) (byCPU map[int][]sighting, lost bool, err error) {
	byCPU = map[int][]sighting{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		if strings.Contains(line, "PERF_RECORD_LOST") {
			lost = true
			continue
		}
		m := perfLine.FindStringSubmatch(line)
		if m == nil {
			return nil, false, fmt.Errorf("unknown: %q", line)
		}
		var bad error
		number := func(s string) int {
			n, err := strconv.Atoi(s)
			bad = errors.Join(bad, err)
			return n
		}
		s := sighting{nobody: m[1] == "-1", cpu: number(m[2]), time: int64(number(m[3]))*1e9 +
			int64(number(m[4])) + offset}
		var p []string
		switch m[5] {
		case "switch":
			if p = perfSwitch.FindStringSubmatch(m[6]); p != nil {
				s.peerKey = peerKey{"switch", number(p[1]), number(p[3]), p[2] != "R" &&
					p[2] != "R+" && p[1] != "0"}
				s.inKernel = p[2] == "R+"
			}
		case "waking", "wakeup", "wakeup_new":
			if p = perfWaking.FindStringSubmatch(m[6]); p != nil {
				s.peerKey = peerKey{what: map[string]string{"waking": "waking", "wakeup": "wakeup",
					"wakeup_new": "wake_new"}[m[5]], task: number(p[1])}
			}
		case "migrate_task":
			if p = perfMigrate.FindStringSubmatch(m[6]); p != nil {
				s.peerKey = peerKey{what: "migrate", task: number(p[1])}
			}
		default:
			continue
		}
		if p == nil || bad != nil {
			return nil, false, fmt.Errorf("unknown: %q: %v", line, bad)
		}
		byCPU[s.cpu] = append(byCPU[s.cpu], s)
	}
	if err := lines.Err(); err != nil {
		return nil, false, err
	}
	if len(byCPU) == 0 {
		return nil, false, errors.New("no event")
	}
	return byCPU, lost, nil
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// perfOutput runs perf on what was recorded.
func perfOutput(t *testing.T, read func(io.Reader), args ...string) error {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "perf", args...)
	// a point before the decimals, and nothing between thousands
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read(out)
	io.Copy(io.Discard, out)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("perf %v: %w: %s", args, err, errs.String())
	}
	return nil
}

// perfTask is what perf's tables say of a task. Times are ns, printed in whole µs.
type perfTask struct {
	// timehist -s: from switches, as we do it.
	spans  int
	onCPU  int64
	listed bool
	// latency -p: from sched_stat_runtime, and delays after wakings and involuntary switches.
	runtime, mean, max int64
	delays             int
	late               bool
}

var (
	// " name[tid/tgid] parent sched-in run-time min avg max stddev migrations"
	perfSummary = regexp.MustCompile(`\[(\d+)(?:/\d+)?\]\s+-?\d+\s+(\d+)\s+([\d.]+)\s+[\d.]+\s+[\d.]+\s+[\d.]+\s+[\d.]+\s+\d+\s*$`)
	perfLatency = regexp.MustCompile(`:(\d+)\s*\|\s*([\d.]+) ms \|\s*(\d+) \| avg:\s*([\d.]+) ms \| max:\s*([\d.]+) ms`)
)

func perfTables(t *testing.T, file string) (map[int]*perfTask, error) {
	t.Helper()
	tasks := map[int]*perfTask{}
	of := func(tid string) *perfTask {
		n := number(t, tid)
		if tasks[n] == nil {
			tasks[n] = &perfTask{}
		}
		return tasks[n]
	}
	hist := perfOutput(t, func(r io.Reader) {
		for lines := bufio.NewScanner(r); lines.Scan(); {
			if m := perfSummary.FindStringSubmatch(lines.Text()); m != nil {
				p := of(m[1])
				p.listed, p.spans, p.onCPU = true, number(t, m[2]), milliseconds(t, m[3])
			}
		}
	}, "sched", "-i", file, "timehist", "-s")
	late := perfOutput(t, func(r io.Reader) {
		for lines := bufio.NewScanner(r); lines.Scan(); {
			if m := perfLatency.FindStringSubmatch(lines.Text()); m != nil {
				p := of(m[1])
				p.late, p.runtime, p.delays, p.mean, p.max = true, milliseconds(t, m[2]),
					number(t, m[3]), milliseconds(t, m[4]), milliseconds(t, m[5])
			}
		}
	}, "sched", "-i", file, "latency", "-p")
	return tasks, errors.Join(hist, late)
}

// milliseconds reads a time that has three decimals.
func milliseconds(t *testing.T, s string) int64 {
	t.Helper()
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return int64(f*1e6 + 0.5)
}
