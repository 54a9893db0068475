// Command overhead measures what the probes of package trace, in count depth,
// cost each server model: requests per second, and CPU time of the server for a
// request.
//
// For each model one server is started, pinned to the first CPU, with one load
// that goes on and on from the last. Meanwhile slices of time are measured, four
// ways in turn: without probes, with those of scheduling (switches, wake-ups,
// forks), with all (system calls and TLB flushes too), and with none of ours but a
// program at system calls that returns at once, which is the least that counting
// them can cost. Which comes first changes every time. The ratio of a slice to the
// one without probes beside it is one observation, so that a drift of the
// machine's speed cancels; printed is their median with its interval. CPU time is
// the clearer of the two: it does not hang on which CPU is the slower.
//
// Requests are the server's own count, which it adds to when a connection closes:
// hence the short connections.
//
//	make build && sudo go run ./bench/overhead [-slices 21] [-slice 250ms] [MODEL …]
//
// With -compare it measures instead what tracing costs the rates that `switchyard
// compare` prints, whose rounds with probes are not those it takes rates from.
//
//	make build && sudo go run ./bench/overhead -compare 7
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"switchyard"
	_ "switchyard/fork"
	"switchyard/internal/proc"
	"switchyard/internal/stats"
	_ "switchyard/poll"
	_ "switchyard/threads"
	"switchyard/trace"

	"golang.org/x/sys/unix"
)

var (
	binary  = flag.String("binary", "bin/switchyard", "the program under test")
	slices  = flag.Int("slices", 21, "slices of each kind for each model")
	slice   = flag.Duration("slice", 250*time.Millisecond, "time of a slice")
	clients = flag.Int("clients", 16, "clients")
	perConn = flag.Int("requests-per-conn", 32, "requests on a connection")
	path    = flag.String("path", "/", "what is asked for")
	pairs   = flag.Int("compare", 0, "run switchyard compare so many times each way instead")
)

func main() {
	flag.Parse()
	runtime.LockOSThread()
	do := run
	if *pairs > 0 {
		do = func(models []string) error { return whole(*pairs, models) }
	}
	if err := do(flag.Args()); err != nil {
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
	fmt.Printf("| model | requests/s | CPU µs/request | scheduling probes: CPU | requests/s | all probes: CPU | requests/s | an empty one at system calls: CPU | requests/s |\n|:--|--:|--:|--:|--:|--:|--:|--:|--:|\n")
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

// orphan ends what was started when this program is killed. The kernel means the thread that started it: main is locked to
// one.
var orphan = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}

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
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "stats"), os.NewFile(uintptr(pair[1]), "stats")
	defer ours.Close()
	ready, readyEnd, err := os.Pipe()
	if err != nil {
		return err
	}
	defer ready.Close()
	var stderr strings.Builder
	args := []string{"serve", model, "--listen", "127.0.0.1:0", "--ready-fd", "3", "--stats-fd", "4"}
	if m, ok := switchyard.Lookup(model); ok && m.Pool {
		args = append(args, "--workers", fmt.Sprint(*clients))
	}
	server := exec.Command(*binary, args...)
	server.SysProcAttr = orphan
	server.ExtraFiles = []*os.File{readyEnd, theirs}
	server.Stderr = &stderr
	err = pin(0, server)
	readyEnd.Close()
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

	load := exec.Command(*binary, "load", "http://"+address+*path, "--clients", fmt.Sprint(*clients), "--duration", "1h",
		"--requests-per-conn", fmt.Sprint(*perConn), "-q")
	load.SysProcAttr = orphan
	if err := pin(runtime.NumCPU()-1, load); err != nil {
		return err
	}
	defer func() {
		load.Process.Signal(unix.SIGTERM)
		load.Wait()
	}()
	time.Sleep(300 * time.Millisecond) // warm-up

	m := &meter{pid: server.Process.Pid, stats: ours, lines: bufio.NewReader(ours)}
	var rate, cpu, costCPU, costRate [kinds][]float64
	for i := range *slices {
		var r, c [kinds]float64
		for k := range kinds {
			kind := (i + k) % kinds
			if r[kind], c[kind], err = m.slice(kind); err != nil {
				return err
			}
		}
		for kind := range kinds {
			rate[kind], cpu[kind] = append(rate[kind], r[kind]), append(cpu[kind], c[kind])
			costCPU[kind] = append(costCPU[kind], c[kind]/c[none]-1)
			costRate[kind] = append(costRate[kind], 1-r[kind]/r[none])
		}
	}
	fmt.Printf("| `%s` | %.0f | %.2f | %s | %s | %s | %s | %s | %s |\n", model, stats.Median(rate[none]).Median, stats.Median(cpu[none]).Median,
		share(costCPU[scheduling]), share(costRate[scheduling]), share(costCPU[everything]), share(costRate[everything]), share(costCPU[empty]), share(costRate[empty]))
	return nil
}

// share writes the median of shares, and its interval, in per cent.
func share(v []float64) string {
	e := stats.Median(v)
	return fmt.Sprintf("%+.1f %% (%+.1f … %+.1f)", 100*e.Median, 100*e.Low, 100*e.High)
}

// What is attached during a slice.
const (
	none = iota
	scheduling
	everything
	empty
	kinds
)

// A meter reads what a server has done so far.
type meter struct {
	pid   int
	stats *os.File
	lines *bufio.Reader
}

// slice returns requests per second, and the server's CPU time for a request in
// µs, of one slice of time.
func (m *meter) slice(kind int) (rate, cpu float64, err error) {
	// Without probes they are attached all the same, and taken away again: what that disturbs is then the same in all.
	s, err := trace.Open(trace.Options{Syscalls: kind == everything, TLB: kind == everything})
	if err != nil {
		return 0, 0, err
	}
	defer s.Close()
	if err := errors.Join(s.Follow(m.pid), s.Start()); err != nil {
		return 0, 0, err
	}
	if kind == none || kind == empty {
		if err := s.Close(); err != nil {
			return 0, 0, err
		}
	}
	if kind == empty {
		l, err := listen()
		if err != nil {
			return 0, 0, err
		}
		defer l.Close()
	}
	runtime.GC()
	time.Sleep(100 * time.Millisecond)
	began := time.Now()
	requests, used, err := m.read()
	if err != nil {
		return 0, 0, err
	}
	time.Sleep(*slice)
	length := time.Since(began)
	after, usedAfter, err := m.read()
	if err != nil {
		return 0, 0, err
	}
	n := float64(after - requests)
	if n == 0 {
		return 0, 0, fmt.Errorf("no request was answered")
	}
	return n / length.Seconds(), float64((usedAfter-used)/time.Microsecond) / n, nil
}

// read returns the number of requests the server has answered on connections
// that are closed, and the CPU time that it and all its descendants have used:
// the living by their clocks, the others by the server's rusage.
func (m *meter) read() (requests uint64, used time.Duration, err error) {
	if _, err := m.stats.WriteString("?"); err != nil {
		return 0, 0, err
	}
	line, err := m.lines.ReadBytes('\n')
	if err != nil {
		return 0, 0, err
	}
	var s struct {
		Counters struct {
			Requests uint64 `json:"requests"`
		} `json:"counters"`
		Children struct {
			User   int64 `json:"user_us"`
			System int64 `json:"system_us"`
		} `json:"children"`
	}
	if err := json.Unmarshal(line, &s); err != nil {
		return 0, 0, err
	}
	tree, err := proc.Tree(m.pid)
	if err != nil {
		return 0, 0, err
	}
	return s.Counters.Requests, proc.CPUTime(tree).Run + time.Duration(s.Children.User+s.Children.System)*time.Microsecond, nil
}
