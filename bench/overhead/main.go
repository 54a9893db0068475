// Command overhead measures what the probes of package trace, in count depth,
// cost each server model in requests per second.
//
// For each model one server is started, pinned to the first CPU, and the load
// generator is run against it from the last one, over and over, in pairs: once
// with the probes attached and counting, once without any; which comes first
// changes from pair to pair. The ratio of a pair's rates is one observation, so
// that a drift of the machine's speed cancels. Printed is the median cost of all
// pairs with its interval.
//
//	make build && sudo go run ./bench/overhead [-sched] [-pairs 15] [-duration 1s] [MODEL …]
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"switchyard/internal/stats"
	"switchyard/trace"

	"golang.org/x/sys/unix"
)

var (
	binary   = flag.String("binary", "bin/switchyard", "the program under test")
	pairs    = flag.Int("pairs", 15, "pairs of runs for each model")
	duration = flag.Duration("duration", time.Second, "measured time of a run")
	clients  = flag.Int("clients", 16, "clients")
	perConn  = flag.Int("requests-per-conn", 32, "requests on a connection")
	path     = flag.String("path", "/", "what is asked for")
	only     = flag.Bool("sched", false, "attach only the scheduling probes, without system calls and TLB flushes")
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
	fmt.Printf("| model | requests/s without probes | with | cost (median) | interval | pairs |\n|:--|--:|--:|--:|--:|--:|\n")
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

	var with, without, cost []float64
	for i := range *pairs {
		var rates [2]float64
		for _, traced := range []bool{i%2 == 0, i%2 == 1} {
			rate, err := once(address, server.Process.Pid, traced)
			if err != nil {
				return err
			}
			if traced {
				rates[1] = rate
			} else {
				rates[0] = rate
			}
		}
		without, with = append(without, rates[0]), append(with, rates[1])
		cost = append(cost, 1-rates[1]/rates[0])
	}
	c := stats.Median(cost)
	fmt.Printf("| `%s` | %.0f | %.0f | %.1f %% | %.1f … %.1f %% (%.0f %%) | %d |\n", model,
		stats.Median(without).Median, stats.Median(with).Median, 100*c.Median, 100*c.Low, 100*c.High, 100*c.Confidence, c.N)
	return nil
}

func once(address string, pid int, traced bool) (float64, error) {
	if traced {
		s, err := trace.Open(trace.Options{NoSyscalls: *only, NoTLB: *only})
		if err != nil {
			return 0, err
		}
		defer s.Close()
		if err := s.Follow(pid); err != nil {
			return 0, err
		}
		if err := s.Start(); err != nil {
			return 0, err
		}
		defer s.Stop()
	}
	load := exec.Command(*binary, "load", "http://"+address+*path, "--clients", fmt.Sprint(*clients), "--duration", duration.String(),
		"--warmup", "200ms", "--requests-per-conn", fmt.Sprint(*perConn), "--format", "json", "-q")
	var out strings.Builder
	load.Stdout, load.Stderr = &out, os.Stderr
	if err := pin(runtime.NumCPU()-1, load); err != nil {
		return 0, err
	}
	if err := load.Wait(); err != nil {
		return 0, err
	}
	var result struct {
		Rate float64 `json:"requests_per_second"`
	}
	if err := json.Unmarshal([]byte(out.String()), &result); err != nil {
		return 0, err
	}
	if result.Rate == 0 {
		return 0, fmt.Errorf("no request was answered")
	}
	return result.Rate, nil
}
