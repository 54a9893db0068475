// Command tracers measures what tracers of the scheduler add to a switch: Switchyard's depths
// beside perf sched record, libbpf-tools' runqlat and offcputime, and the same histogram in
// bpftrace.
//
// The workloads are those of perf bench sched, pinned: pipe is two processes that pass a byte back
// and forth on one CPU, so that each operation is two switches and two wakings; messaging is groups
// of senders and receivers on all CPUs. A third is this program's own: threads makes one thread
// after another, each of which ends at once, pinned as well. In every round each tracer traces one
// run of the workload, and one run has none; which comes first changes every time. What a run takes
// more CPU time than the one without beside it, for each of its switches or threads, is one
// observation; printed is their median with its interval. It is the workload's own CPU time
// (getrusage), in which probes run: that of a reader beside it is not in it, and other tasks on the
// machine disturb it less than they do the clock on the wall. A tool that is not there has its row,
// and says so.
//
//	apt install linux-perf libbpf-tools bpftrace && make build && sudo go run ./bench/tracers
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"switchyard/internal/proc"
	"switchyard/internal/stats"
	"switchyard/internal/sys"
)

var (
	binary = flag.String("binary", "bin/switchyard", "the program under test")
	rounds = flag.Int("rounds", 11, "rounds")
	loops  = flag.Int("loops", 50_000, "operations of a run of pipe; two switches each")
	groups = flag.Int("groups", 2, "groups of a run of messaging, 40 tasks each")
	made   = flag.Int("threads", 20_000, "threads of a run of threads")
	which  = flag.String("tracers", "", "only those whose names match this regular expression")
	only   = flag.String("workload", "", "pipe, messaging or threads (default: all)")
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

const none = "nothing"

func tracers(dir string) []tracer {
	sy := func(depth ...string) []string {
		return append(append([]string{*binary, "trace", "--format", "json"}, depth...), "--")
	}
	return []tracer{
		{name: none},
		{name: "switchyard --count", before: sy("--count"), after: ours},
		{name: "switchyard --record", before: sy("--record"), after: ours},
		{name: "switchyard --record --all", beside: []string{*binary, "trace", "--format", "json",
			"--record", "--all"}, wait: 500 * time.Millisecond, after: ours},
		{name: "runqlat (libbpf-tools)", beside: []string{"runqlat"},
			wait: 1500 * time.Millisecond},
		{name: "offcputime (libbpf-tools)", beside: []string{"offcputime", "1000"},
			wait: 1500 * time.Millisecond},
		{name: "bpftrace, a run-queue histogram", beside: []string{"bpftrace", "-e",
			bpftraceScript}, wait: 4 * time.Second},
		{name: "perf sched record", before: []string{"perf", "sched", "record", "-o",
			filepath.Join(dir, "perf.data"), "--"}, after: perfData},
	}
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

// ours reads the JSON of switchyard trace.
func ours(_ string, stdout []byte) (float64, uint64, error) {
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

// A workload is a command, and what its output says of one run.
type workload struct {
	name  string
	args  []string
	pin   string
	unit  string
	units func(before, after uint64) float64 // from ctxt
}

func workloads(self string) []workload {
	return []workload{
		{name: "pipe", args: []string{"perf", "bench", "-f", "simple", "sched", "pipe", "-l",
			strconv.Itoa(*loops)}, pin: "0",
			unit: "switch", units: func(_, _ uint64) float64 { return 2 * float64(*loops) }},
		{name: "messaging", args: []string{"perf", "bench", "-f", "simple", "sched", "messaging",
			"-p", "-l", "1000", "-g", strconv.Itoa(*groups)},
			unit: "switch", units: func(before, after uint64) float64 {
				return float64(after - before)
			}},
		{name: "threads", args: []string{self, inner, strconv.Itoa(*made)}, pin: "0",
			unit: "thread", units: func(_, _ uint64) float64 { return float64(*made) }},
	}
}

// inner is how the workload is started: by this program, which tells what it took.
const inner = "-inner"

// work runs a command and writes the CPU time that it and its descendants took, seconds, on
// standard error.
func work(args []string) error {
	if n, err := strconv.Atoi(args[0]); err == nil {
		makeThreads(n)
		return nil
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%s%.6f\n", took,
		(cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds())
	return nil
}

const took = "CPU time "

// makeThreads makes n threads that end at once, one after the other.
func makeThreads(n int) {
	for range n {
		<-sys.Thread("sy-short", func() {})
	}
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == inner {
		if err := work(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "tracers:", err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "tracers:", err)
		os.Exit(1)
	}
}

func run() error {
	dir, err := os.MkdirTemp("", "tracers-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for _, w := range workloads(self) {
		if *only == "" || *only == w.name {
			if err := compare(dir, self, w); err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
		}
	}
	return nil
}

// A row is what was seen of one tracer.
type row struct {
	added    []float64 // ns a unit
	perEvent float64
	lost     uint64
	err      error
}

func compare(dir, self string, w workload) error {
	chosen, err := regexp.Compile(*which)
	if err != nil {
		return err
	}
	list := slices.DeleteFunc(tracers(dir), func(t tracer) bool {
		return t.name != none && !chosen.MatchString(t.name)
	})
	rows := make([]row, len(list))
	var base []float64
	for range *rounds {
		taken := make([]float64, len(list))
		for _, i := range rand.Perm(len(list)) {
			if rows[i].err == nil {
				taken[i], rows[i].err = one(dir, self, w, &list[i], &rows[i])
			}
		}
		if rows[0].err != nil {
			return rows[0].err
		}
		base = append(base, taken[0])
		for i := range rows {
			if rows[i].err == nil {
				rows[i].added = append(rows[i].added, taken[i]-taken[0])
			}
		}
	}
	without := stats.Median(base)
	fmt.Printf("\n%s: %s\n\nWithout a tracer a %s takes %.0f ns (%.0f–%.0f) of CPU time, all that goes with it included.\n\n",
		w.name,
		strings.Replace(strings.Join(w.args, " "), self, "tracers", 1), w.unit, without.Median,
		without.Low, without.High)
	fmt.Printf("| tracer | added a %s, ns | of perf's | of runqlat's | bytes an event | lost |\n|:--|--:|--:|--:|--:|--:|\n",
		w.unit)
	reference := map[string][]float64{}
	for i, t := range list {
		reference[t.name] = rows[i].added
	}
	for i, t := range list[1:] {
		r := rows[i+1]
		if r.err != nil {
			fmt.Printf("| %s | %v | | | | |\n", t.name, r.err)
			continue
		}
		e := stats.Median(r.added)
		// Round by round: what slows the machine down slows both.
		ratio := func(to string) string {
			var ratios []float64
			for k, of := range reference[to] {
				if k < len(r.added) && of > 0 {
					ratios = append(ratios, r.added[k]/of)
				}
			}
			if len(ratios) == 0 || t.name == to {
				return "–"
			}
			e := stats.Median(ratios)
			return fmt.Sprintf("%.2f (%.2f–%.2f)", e.Median, e.Low, e.High)
		}
		perEvent, lost := "–", "–"
		if r.perEvent > 0 {
			perEvent = fmt.Sprintf("%.1f", r.perEvent)
		}
		if t.after != nil {
			lost = strconv.FormatUint(r.lost, 10)
		}
		fmt.Printf("| %s | %.0f (%.0f–%.0f) | %s | %s | %s | %s |\n", t.name, e.Median, e.Low,
			e.High, ratio("perf sched record"),
			ratio("runqlat (libbpf-tools)"), perEvent, lost)
	}
	return nil
}

// one traces one run and returns the CPU time of a unit of it, ns.
func one(dir, self string, w workload, t *tracer, r *row) (float64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	args := w.args
	if w.pin != "" {
		args = append([]string{"taskset", "-c", w.pin}, args...)
	}
	var beside *exec.Cmd
	var side, sideErr bytes.Buffer
	ended := make(chan error, 1)
	if t.beside != nil {
		beside = exec.CommandContext(ctx, t.beside[0], t.beside[1:]...)
		beside.Stdout, beside.Stderr = &side, &sideErr
		if err := beside.Start(); err != nil {
			return 0, err
		}
		go func() { ended <- beside.Wait() }()
		time.Sleep(t.wait)
	}
	args = append(append(append([]string{}, t.before...), self, inner), args...)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	before, _ := proc.Here.Switches()
	err := cmd.Run()
	after, _ := proc.Here.Switches()
	if beside != nil {
		select {
		case e := <-ended:
			return 0, fmt.Errorf("it ended by itself: %v: %s", e, lastLine(sideErr.Bytes()))
		default:
		}
		beside.Process.Signal(unix.SIGINT)
		if e := <-ended; e != nil && t.after != nil {
			return 0, fmt.Errorf("%s: %w: %s", t.name, e, lastLine(sideErr.Bytes()))
		}
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w: %s", args[0], err, lastLine(stderr.Bytes()))
	}
	// Switchyard's own standard output is for the result, and the command's goes to standard error.
	seconds, err := seconds(append(stderr.Bytes(), stdout.Bytes()...))
	if err != nil {
		return 0, err
	}
	if t.after != nil {
		out := stdout.Bytes()
		if t.beside != nil {
			out = side.Bytes()
		}
		perEvent, lost, err := t.after(dir, out)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", t.name, err)
		}
		r.perEvent = perEvent
		r.lost += lost
	}
	return seconds * 1e9 / w.units(before, after), nil
}

func lastLine(b []byte) string {
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return lines[len(lines)-1]
}

// seconds is what the inner program said.
func seconds(out []byte) (float64, error) {
	for line := range strings.Lines(string(out)) {
		if s, ok := strings.CutPrefix(line, took); ok {
			return strconv.ParseFloat(strings.TrimSpace(s), 64)
		}
	}
	return 0, fmt.Errorf("the workload did not say what it took: %q", out)
}
