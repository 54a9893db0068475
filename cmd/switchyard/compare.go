package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"switchyard"
	"switchyard/internal/load"
	"switchyard/internal/proc"
	"switchyard/internal/report"

	"github.com/spf13/cobra"
)

// compareOptions are what `compare` was asked to do.
type compareOptions struct {
	models               []switchyard.Model
	clients, rounds      int
	duration, warmup     time.Duration
	protocol             switchyard.Protocol
	path                 string
	requestsPerConn      int
	workers, maxConns    int
	serverCPUs, loadCPUs proc.CPUList
	seed                 uint64
	spins                uint64 // speed of /work's loop, the same for all models
	noTrace              bool
	out, format          string
}

// compareFlags are the flags as they were written.
type compareFlags struct {
	protocol, serverCPUs, loadCPUs *string
	format                         *string
}

func newCompareCommand(env Env) *cobra.Command {
	var o compareOptions
	cmd := &cobra.Command{
		Use:   "compare [MODEL…]",
		Short: "put the same load on every model, traced, and compare",
		Long: `compare runs each model's server in a process of its own, pinned to its own CPUs,
puts the same load on it from another process, and prints a row for each: what its
clients saw, what it made the kernel do, and what it cost. Rounds are interleaved
over the models; rates are medians with an interval. Rates, latencies and CPU time
are measured with no probe attached. For each three of --rounds rounds, and at least
once, a round of its own comes before them that counts, with all probes attached.

Without arguments all models are compared. An argument is a model's name, or a
family (fork, poll, threads) for all of its models. A pool of blocking workers has
as many as there are clients, unless --workers says otherwise. Without root, or with
--no-trace, the columns that come from the kernel's tracepoints stay empty.`,
		Example: `switchyard compare
switchyard compare poll/epoll threads/per-conn --clients 64 --path '/work?us=50'
switchyard compare fork --requests-per-conn 1
switchyard compare --no-trace --format markdown poll threads/goroutine
switchyard compare --rounds 15 --duration 2s --out results`,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			names := []string{"fork", "poll", "threads"}
			for _, m := range switchyard.Models() {
				names = append(names, m.Name)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.IntVar(&o.clients, "clients", 16, "clients, each with one request at a time")
	f.DurationVar(&o.duration, "duration", 350*time.Millisecond, "measured time of a round")
	f.DurationVar(&o.warmup, "warmup", 100*time.Millisecond, "load before it, not measured")
	f.IntVar(&o.rounds, "rounds", 5, "rounds that measure rates, each with every model once; others count; at most 10000")
	f.StringVar(&o.path, "path", "/", "what is asked for: /, /bytes?n=N, /work?us=N, /sleep?ms=N")
	f.IntVar(&o.requestsPerConn, "requests-per-conn", 32, "requests on a connection before the client opens another; 0 keeps connections")
	f.IntVar(&o.workers, "workers", 0, "workers of the designs that make them in advance; 0 is one for each client (pools) or CPU (loops)")
	f.IntVar(&o.maxConns, "max-conns", 0, "connections a server serves at once; 0 is its default")
	f.Uint64Var(&o.seed, "seed", 1, "of the order of the models in each round and of the load")
	f.BoolVar(&o.noTrace, "no-trace", false, "do not trace")
	f.StringVar(&o.out, "out", "", "directory to keep the results in; it is made")
	flags := compareFlags{
		protocol:   choiceFlag(cmd, "protocol", "what servers speak: http or echo", "http", "echo"),
		serverCPUs: f.String("server-cpus", "", "CPUs of the server, such as 0-3,8 (default: the first half)"),
		loadCPUs:   f.String("load-cpus", "", "CPUs of the load (default: the second half)"),
		format:     formatsOf(cmd, writesCompare),
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := o.complete(args, flags); err != nil {
			return err
		}
		return compare(env, o, quiet(cmd))
	}
	return cmd
}

// complete checks what was asked and fills in what was not.
func (o *compareOptions) complete(args []string, flags compareFlags) error {
	var err error
	if o.protocol, err = switchyard.ParseProtocol(*flags.protocol); err != nil {
		return usagef("--%v", err)
	}
	o.format = *flags.format
	if o.models, err = chooseModels(args); err != nil {
		return err
	}
	switch {
	case o.clients < 1:
		return usagef("--clients %d: want 1 or more", o.clients)
	case o.rounds < 1:
		return usagef("--rounds %d: want 1 or more", o.rounds)
	case o.rounds > maxRounds:
		return usagef("--rounds %d: at most %d", o.rounds, maxRounds)
	case o.duration < 10*time.Millisecond:
		return usagef("--duration %v: want 10ms or more", o.duration)
	case o.warmup < 0:
		return usagef("--warmup %v: want 0s or more", o.warmup)
	case o.requestsPerConn < 0:
		return usagef("--requests-per-conn %d: want 1 or more, or 0 to keep connections", o.requestsPerConn)
	case o.workers < 0:
		return usagef("--workers %d: want 1 or more, or 0 for the default", o.workers)
	case o.maxConns < 0:
		return usagef("--max-conns %d: want 1 or more, or 0 for the default", o.maxConns)
	case !strings.HasPrefix(o.path, "/") || strings.ContainsFunc(o.path, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return usagef("--path %q: want a path that begins with / and has no blanks, such as '/work?us=50'", o.path)
	case o.protocol == switchyard.HTTP && strings.HasPrefix(o.path, "/crash"):
		return usagef("--path %q: that ends the server, so there is nothing to compare (see serve and curl)", o.path)
	}
	// What servers and load would refuse is refused here, before the work.
	if err := (switchyard.Options{Protocol: o.protocol, Workers: o.workers, MaxConns: o.maxConns}).Validate(); err != nil {
		return usagef("--%v", err)
	}
	err = load.Config{Target: "http://127.0.0.1:1/", Clients: o.clients, Duration: o.duration, Warmup: o.warmup, RequestsPerConn: o.requestsPerConn}.Check()
	if err != nil {
		return usagef("--%v", err)
	}
	if o.protocol == switchyard.HTTP {
		o.spins = switchyard.Calibrate()
	}
	allowed, err := proc.Allowed()
	if err != nil {
		return fmt.Errorf("read which CPUs may be used: %w", err)
	}
	first, second := allowed.Halves()
	if o.serverCPUs, err = cpuFlag("--server-cpus", *flags.serverCPUs, first, allowed); err != nil {
		return err
	}
	if o.loadCPUs, err = cpuFlag("--load-cpus", *flags.loadCPUs, second, allowed); err != nil {
		return err
	}
	if o.out != "" {
		if entries, err := os.ReadDir(o.out); err == nil && len(entries) > 0 {
			return fmt.Errorf("--out %q: the directory is not empty: name another, or remove it", o.out)
		}
	}
	return nil
}

// maxRounds is enough for a day of any model, and few enough to keep a number of
// each.
const maxRounds = 10_000

func cpuFlag(name, value string, byDefault, allowed proc.CPUList) (proc.CPUList, error) {
	if value == "" {
		return byDefault, nil
	}
	list, err := proc.ParseCPUList(value)
	if err != nil {
		return nil, usagef("%s: %v", name, err)
	}
	if not := list.Without(allowed); len(not) > 0 {
		return nil, usagef("%s %q: CPU %s is not one this process may run on (%s)", name, value, not, allowed)
	}
	return list, nil
}

// compare does the work and prints the result. What was measured before an
// interruption or a failure is not lost.
func compare(env Env, o compareOptions, quiet bool) error {
	var files *keeper
	if o.out != "" { // before a minute's work, not after it
		var err error
		if files, err = newKeeper(o.out); err != nil {
			return fmt.Errorf("--out: %w", err)
		}
	}
	end := env.ending()
	defer end.stop()
	ctx := end.asked

	var result *report.Compare
	var workErr error
	done := make(chan struct{})
	go func() {
		defer close(done)
		// Every process the run starts dies with this thread.
		runtime.LockOSThread()
		result, workErr = newCompareRun(o, newProgress(env, len(o.plan())*len(o.models), quiet)).run(ctx)
	}()
	<-done
	if result == nil {
		if files != nil {
			files.discard()
		}
		return workErr
	}
	var keepErr error
	if files != nil { // first: who reads standard output may be gone
		keepErr = files.keep(result)
	}
	if err := writeCompare(env, o, result); err != nil {
		return err
	}
	if keepErr != nil {
		return keepErr
	}
	if files != nil && !quiet {
		env.say("The report is in %s: report.md, compare.json, compare.csv", filepath.Clean(o.out))
	}
	if workErr != nil {
		return workErr
	}
	if ctx.Err() != nil {
		return fmt.Errorf("interrupted: %d of %d rounds of the first model are in the result", result.Models[0].Rounds, o.rounds)
	}
	for _, r := range result.Models {
		for _, k := range r.Checks {
			if k.Available && !k.OK {
				return fmt.Errorf("a check failed: %s, %s: %s (the numbers of that row are not to be trusted)", r.Model, k.Name, k.Difference())
			}
		}
	}
	for i, r := range result.Models {
		if r.Rounds == 0 && o.models[i].Available() == nil { // it can run here, and did not
			return fmt.Errorf("%s could not be measured: %s", r.Model, r.Reason)
		}
	}
	return nil
}

func writeCompare(env Env, o compareOptions, c *report.Compare) error {
	return writeIn(env, o.format, func(f report.Format, width int) error {
		return f.Compare(env.Stdout, c, width)
	})
}
