package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// A tracer traces a run: it is put before the command, or runs beside it.
type tracer struct {
	name   string
	before []string // the workload's command follows
	beside []string // until it is interrupted
	wait   time.Duration
	// after looks at what the tracer left in its directory and on its standard output: bytes for
	// each event on disk or in the rings, events lost.
	after func(dir string, stdout []byte) (perEvent float64, lost uint64, err error)
}

const (
	none = "nothing"
	// earlier ends the names of what -before adds.
	earlier = ", before"
)

func tracers(dir string, w workload) []tracer {
	list := []tracer{{name: none}}
	ours := func(suffix, binary string) {
		for _, depth := range []string{"--count", "--record"} {
			args := []string{binary, "trace", "--format", "json", depth}
			name := "switchyard " + depth
			if w.syscalls {
				args, name = append(args, "--syscalls"), name+" --syscalls"
			}
			list = append(list, tracer{name: name + suffix, before: append(args, "--"),
				after: result})
		}
	}
	ours("", *binary)
	if *before != "" {
		ours(earlier, *before)
	}
	if w.syscalls {
		return list
	}
	return append(list, []tracer{
		{name: "switchyard --record --all", beside: []string{*binary, "trace", "--format", "json",
			"--record", "--all"}, wait: 500 * time.Millisecond, after: result},
		{name: "runqlat (libbpf-tools)", beside: []string{"runqlat"},
			wait: 1500 * time.Millisecond},
		{name: "offcputime (libbpf-tools)", beside: []string{"offcputime", "1000"},
			wait: 1500 * time.Millisecond},
		{name: "bpftrace, a run-queue histogram", beside: []string{"bpftrace", "-e",
			bpftraceScript}, wait: 4 * time.Second},
		{name: "perf sched record", before: []string{"perf", "sched", "record", "-o",
			filepath.Join(dir, "perf.data"), "--"}, after: perfData},
	}...)
}

// bpftraceScript keeps what runqlat does: one histogram of the time from runnable to on-CPU.
// Debian's runqlat.bt needs the kernel's headers.
const bpftraceScript = `
tracepoint:sched:sched_wakeup, tracepoint:sched:sched_wakeup_new { @since[args->pid] = nsecs; }
tracepoint:sched:sched_switch {
	if (args->prev_state == 0) { @since[args->prev_pid] = nsecs; }
	$since = @since[args->next_pid];
	if ($since) { @us = hist((nsecs - $since) / 1000); delete(@since[args->next_pid]); }
}`

// result reads the JSON of switchyard trace.
func result(_ string, stdout []byte) (float64, uint64, error) {
	var t struct {
		Lost []struct {
			Count uint64 `json:"count"`
		} `json:"lost"`
		Cost struct {
			BytesPerEvent float64 `json:"bytes_per_event"`
		} `json:"cost"`
		Checks []struct {
			Name, Status, Reason string
		} `json:"checks"`
	}
	if err := json.Unmarshal(stdout, &t); err != nil {
		return 0, 0, err
	}
	var lost uint64
	for _, l := range t.Lost {
		lost += l.Count
	}
	for _, c := range t.Checks {
		if c.Status == "fail" {
			return 0, lost, fmt.Errorf("check %s failed: %s", c.Name, c.Reason)
		}
	}
	return t.Cost.BytesPerEvent, lost, nil
}

// perfData asks perf how many events its file holds, and how many it lost.
func perfData(dir string, _ []byte) (float64, uint64, error) {
	path := filepath.Join(dir, "perf.data")
	info, err := os.Stat(path)
	if err != nil {
		return 0, 0, err
	}
	out, err := exec.Command("perf", "report", "--stats", "-i", path).Output()
	if err != nil {
		return 0, 0, fmt.Errorf("perf report --stats: %w", err)
	}
	number := func(what string) uint64 {
		m := regexp.MustCompile(`(?m)^\s+` + what + ` events:\s+(\d+)`).FindSubmatch(out)
		if m == nil {
			return 0
		}
		n, _ := strconv.ParseUint(string(m[1]), 10, 64)
		return n
	}
	samples := number("SAMPLE")
	if samples == 0 {
		return 0, 0, errors.New("perf recorded no sample")
	}
	return float64(info.Size()) / float64(samples), number("LOST"), nil
}
