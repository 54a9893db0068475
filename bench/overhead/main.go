// Command overhead measures what the probes of package trace, in count depth,
// cost each server model: requests per second, and CPU time of the server for a
// request.
//
// For each model one server is started, pinned to the first CPU, and the load
// generator is run against it from the last one, over and over, three ways in
// turn: without probes, with those of scheduling (switches, wake-ups, forks), and
// with all (system calls and TLB flushes too). Which comes first changes every
// time. Ratios are of runs that follow each other, so that a drift of the
// machine's speed cancels; printed is their median with its interval. CPU time
// is the clearer of the two: it does not hang on which CPU is the slower.
//
//	make build && sudo go run ./bench/overhead [-runs 9] [-duration 500ms] [MODEL …]
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"switchyard/internal/proc"
	"switchyard/internal/stats"
	"switchyard/trace"

	"golang.org/x/sys/unix"
)

var (
	binary   = flag.String("binary", "bin/switchyard", "the program under test")
	runs     = flag.Int("runs", 9, "runs of each kind for each model")
	duration = flag.Duration("duration", 500*time.Millisecond, "time of a run")
	clients  = flag.Int("clients", 16, "clients")
	perConn  = flag.Int("requests-per-conn", 32, "requests on a connection")
	path     = flag.String("path", "/", "what is asked for")
)

func main() {
	flag.Parse()
	runtime.LockOSThread()
	if err := run(flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "overhead:", err)
		os.Exit(1)
	}
}

func run(models []string) error {
	if len(models) == 0 {
		var err error
		if models, err = all(); err != nil {
			return err
		}
	}
	fmt.Printf("| model | requests/s | CPU µs/request | scheduling probes: CPU | requests/s | all probes: CPU | requests/s |\n|:--|--:|--:|--:|--:|--:|--:|\n")
	for _, m := range models {
		if err := measure(m); err != nil {
			fmt.Printf("| `%s` | %v |\n", m, err)
		}
	}
	return nil
}

func all() ([]string, error) {
	out, err := exec.Command(*binary, "models", "--format", "json").Output()
	if err != nil {
		return nil, fmt.Errorf("%s models: %w (make build)", *binary, err)
	}
	var list struct {
		Models []struct {
			Name      string `json:"name"`
			Available bool   `json:"available"`
		} `json:"models"`
	}
	if err := json.Unmarshal(out, &list); err != nil {
		return nil, err
	}
	var names []string
	for _, m := range list.Models {
		if m.Available {
			names = append(names, m.Name)
		}
	}
	return names, nil
}

// pin starts a command on one CPU.
func pin(cpu int, cmd *exec.Cmd) error {
	var old, set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &old); err != nil {
		return err
	}
	set.Set(cpu)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return err
	}
	defer unix.SchedSetaffinity(0, &old)
	return cmd.Start()
}

func measure(model string) error {
	ready, theirs, err := os.Pipe()
	if err != nil {
		return err
	}
	defer ready.Close()
	var stderr strings.Builder
	args := []string{"serve", model, "--listen", "127.0.0.1:0", "--ready-fd", "3"}
	if strings.Contains(model, "pool") || strings.Contains(model, "prefork") || strings.Contains(model, "hand-off") || strings.Contains(model, "fd-pass") || model == "fork/reuseport" {
		args = append(args, "--workers", fmt.Sprint(*clients))
	}
	server := exec.Command(*binary, args...)
	server.ExtraFiles = []*os.File{theirs}
	server.Stderr = &stderr
	err = pin(0, server)
	theirs.Close()
	if err != nil {
		return err
	}
	defer func() {
		server.Process.Signal(unix.SIGTERM)
		server.Wait()
	}()
	if _, err := ready.Read(make([]byte, 1)); err != nil {
		return fmt.Errorf("server: not ready: %s", strings.TrimSpace(stderr.String()))
	}
	time.Sleep(50 * time.Millisecond) // the line comes by another way than the byte
	_, rest, _ := strings.Cut(stderr.String(), "listening on ")
	address, _, _ := strings.Cut(rest, "\n")

	var rate, cpu [3][]float64
	var costCPU, costRate [3][]float64
	for i := range *runs {
		var r, c [3]float64
		for k := range 3 {
			kind := (i + k) % 3
			if r[kind], c[kind], err = once(address, server.Process.Pid, kind); err != nil {
				return err
			}
		}
		for kind := range 3 {
			rate[kind], cpu[kind] = append(rate[kind], r[kind]), append(cpu[kind], c[kind])
			costCPU[kind] = append(costCPU[kind], c[kind]/c[none]-1)
			costRate[kind] = append(costRate[kind], 1-r[kind]/r[none])
		}
	}
	show := func(v []float64) string {
		e := stats.Median(v)
		return fmt.Sprintf("%+.1f %% (%+.1f … %+.1f)", 100*e.Median, 100*e.Low, 100*e.High)
	}
	fmt.Printf("| `%s` | %.0f | %.2f | %s | %s | %s | %s |\n", model, stats.Median(rate[none]).Median, stats.Median(cpu[none]).Median,
		show(costCPU[scheduling]), show(costRate[scheduling]), show(costCPU[everything]), show(costRate[everything]))
	return nil
}

// What is attached during a run.
const (
	none = iota
	scheduling
	everything
)

// once runs the load and returns requests per second and the server's CPU time
// for a request, in µs.
func once(address string, pid, kind int) (rate, cpu float64, err error) {
	if kind != none {
		s, err := trace.Open(trace.Options{NoSyscalls: kind == scheduling, NoTLB: kind == scheduling})
		if err != nil {
			return 0, 0, err
		}
		defer s.Close()
		if err := s.Follow(pid); err != nil {
			return 0, 0, err
		}
		if err := s.Start(); err != nil {
			return 0, 0, err
		}
		defer s.Stop()
	}
	load := exec.Command(*binary, "load", "http://"+address+*path, "--clients", fmt.Sprint(*clients), "--duration", duration.String(),
		"--requests-per-conn", fmt.Sprint(*perConn), "--format", "json", "-q")
	var out strings.Builder
	load.Stdout, load.Stderr = &out, os.Stderr
	before, err := used(pid)
	if err != nil {
		return 0, 0, err
	}
	if err := pin(runtime.NumCPU()-1, load); err != nil {
		return 0, 0, err
	}
	if err := load.Wait(); err != nil {
		return 0, 0, err
	}
	after, err := used(pid)
	if err != nil {
		return 0, 0, err
	}
	var result struct {
		Rate     float64 `json:"requests_per_second"`
		Requests float64 `json:"requests"`
		Drained  float64 `json:"drained"`
	}
	if err := json.Unmarshal([]byte(out.String()), &result); err != nil {
		return 0, 0, err
	}
	if result.Requests == 0 {
		return 0, 0, fmt.Errorf("no request was answered")
	}
	return result.Rate, float64((after-before)/time.Microsecond) / (result.Requests + result.Drained), nil
}

// used is the CPU time of a process and all its descendants: the living by
// their clocks, those that ended and were waited for by /proc/PID/stat, in ticks
// of 10 ms.
func used(pid int) (time.Duration, error) {
	tree, err := proc.Tree(pid)
	if err != nil {
		return 0, err
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	var ticks int64
	for _, f := range fields[13:15] { // cutime, cstime
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return proc.CPUTime(tree).Run + time.Duration(ticks)*10*time.Millisecond, nil
}
