// Command overhead measures what the probes of package trace, in count depth, cost each server
// model: requests per second, and CPU time of the server for a request.
//
// For each model one server is started, pinned to the first CPU, with one load that goes on and on
// from the last. Meanwhile slices of time are measured, four ways in turn: without probes, with
// those of scheduling (switches, wake-ups, forks), with all (system calls and TLB flushes too), and
// with none of ours but a program at system calls that returns at once, which is the least that
// counting them can cost. Which comes first changes every time. The ratio of a slice to the one
// without probes beside it is one observation, so that a drift of the machine's speed cancels;
// printed is their median with its interval. CPU time is the clearer of the two: it does not hang
// on which CPU is the slower.
//
// Requests are the server's own count, which it adds to when a connection closes: hence the short
// connections.
//
//	make build && sudo go run ./bench/overhead [-slices 21] [-slice 250ms] [MODEL …]
//
// With -compare it measures instead what tracing costs the rates that `switchyard compare` prints,
// whose rounds with probes are not those it takes rates from.
//
//	make build && sudo go run ./bench/overhead -compare 7
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"switchyard"
	_ "switchyard/fork"
	"switchyard/internal/child"
	"switchyard/internal/load"
	"switchyard/internal/proc"
	"switchyard/internal/stats"
	_ "switchyard/poll"
	_ "switchyard/threads"
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
	var err error
	child.Locked(func() {
		if *pairs > 0 {
			err = whole(*pairs, flag.Args())
		} else {
			err = run(context.Background(), flag.Args())
		}
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "overhead:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, models []string) error {
	if len(models) == 0 {
		for _, m := range switchyard.Models() {
			models = append(models, m.Name)
		}
	}
	cpus, err := proc.Allowed()
	if err != nil {
		return err
	}
	fmt.Print("| model | requests/s | CPU µs/request | scheduling probes: CPU | requests/s ",
		"| all probes: CPU | requests/s | an empty one at system calls: CPU | requests/s |\n",
		"|:--|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, m := range models {
		if err := measure(ctx, m, cpus[:1], cpus[len(cpus)-1:]); err != nil {
			fmt.Printf("| `%s` | %v |\n", m, err)
		}
	}
	return nil
}

// measure makes the row of a model.
func measure(ctx context.Context, model string, serverCPU, loadCPU proc.CPUList) error {
	o := child.ServerOptions{Program: *binary, CPUs: serverCPU, Model: model}
	if m, ok := switchyard.Lookup(model); ok && m.Pool {
		o.Server.Workers = *clients
	}
	server, err := child.StartServer(ctx, o)
	if err != nil {
		return err
	}
	defer server.Terminate(5 * time.Second)
	l, err := child.StartLoad(ctx, child.LoadOptions{Program: *binary, CPUs: loadCPU,
		Load: load.Config{Target: server.URL(*path), Clients: *clients, RequestsPerConn: *perConn,
			Warmup: 300 * time.Millisecond, Duration: time.Hour}})
	if err != nil {
		return err
	}
	defer l.Kill()
	if err := l.Begin(); err != nil {
		return err
	}
	var rate, cpu, costRate, costCPU [kinds][]float64
	for i := range *slices {
		var r, c [kinds]float64
		for k := range kinds {
			kind := (i + k) % kinds
			if r[kind], c[kind], err = sliceOf(ctx, server, kind); err != nil {
				return err
			}
		}
		for kind := range kinds {
			rate[kind], cpu[kind] = append(rate[kind], r[kind]), append(cpu[kind], c[kind])
			costRate[kind] = append(costRate[kind], 1-r[kind]/r[none])
			costCPU[kind] = append(costCPU[kind], c[kind]/c[none]-1)
		}
	}
	fmt.Printf("| `%s` | %.0f | %.2f |", model, stats.Median(rate[none]).Median,
		stats.Median(cpu[none]).Median)
	for _, kind := range []int{scheduling, everything, empty} {
		fmt.Printf(" %s | %s |", share(costCPU[kind]), share(costRate[kind]))
	}
	fmt.Println()
	return nil
}

// share writes the median of shares, and its interval, in per cent.
func share(v []float64) string {
	e := stats.Median(v)
	return fmt.Sprintf("%+.1f %% (%+.1f … %+.1f)", 100*e.Median, 100*e.Low, 100*e.High)
}
