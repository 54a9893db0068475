package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/compare"
	"switchyard/internal/proc"
	"switchyard/internal/report"
	"switchyard/internal/rounds"
	"switchyard/internal/words"
	"switchyard/trace"
	"switchyard/trace/event"
)

// compareOptions are what `compare` was asked to do.
type compareOptions struct {
	compare.Options
	out, format string
}

// compareFlags are the flags as they were written.
type compareFlags struct {
	protocol, serverCPUs, loadCPUs *string
	format                         *string
}

// comparedAlways are the probes that every comparison asks for.
var comparedAlways = []string{"syscall", "tlb"}

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

Without arguments all models are compared. MODEL is a model's name, a family (fork,
poll, threads) for all of its models, or a pattern ('*/epoll*'). A pool of blocking workers has
as many as there are clients, unless --workers says otherwise. Without root, or with
--no-trace, the columns that come from the kernel's tracepoints stay empty.`,
		Example: `switchyard compare
switchyard compare poll/epoll threads/per-conn --clients 64 --path '/work?us=50'
switchyard compare fork '*/epoll*' --requests-per-conn 1
switchyard compare --no-trace --format markdown poll threads/goroutine
switchyard compare --rounds 15 --duration 2s --out results`,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string,
			cobra.ShellCompDirective) {
			names := []string{"fork", "poll", "threads"}
			for _, m := range switchyard.Models() {
				names = append(names, m.Name)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.IntVar(&o.Load.Clients, "clients", 16, "clients, each with one request at a time")
	f.DurationVar(&o.Load.Duration, "duration", 350*time.Millisecond, "measured time of a round")
	f.DurationVar(&o.Load.Warmup, "warmup", 100*time.Millisecond, "load before it, not measured")
	f.IntVar(&o.Rounds, "rounds", 5, "rounds that measure rates, each with every model once; others count; an interval takes 5")
	f.StringVar(&o.Path, "path", "/", "`path` that is asked for: /, /bytes?n=N, /work?us=N, /sleep?ms=N")
	f.IntVar(&o.Load.RequestsPerConn, "requests-per-conn", 32, "requests on a connection before the client opens another; 0 keeps connections")
	f.IntVar(&o.Server.Workers, "workers", 0, "workers of the designs that make them in advance; 0 is one for each client (pools) or CPU (loops)")
	f.IntVar(&o.Server.MaxConns, "max-conns", 0, "connections a server serves at once; 0 is its default")
	f.Uint64Var(&o.Load.Seed, "seed", 1, "of the order of the models in each round and of the load")
	f.BoolVar(&o.NoTrace, "no-trace", false, "do not trace")
	besides := addCountFlags(f, comparedAlways)
	f.StringVar(&o.out, "out", "", "`directory` to keep the results in; it is made")
	flags := compareFlags{
		protocol:   choiceFlag(cmd, "protocol", "what servers speak: http or echo", "http", "echo"),
		serverCPUs: f.String("server-cpus", "", "`CPUs` of the server, such as 0-3,8 (default: the first half)"),
		loadCPUs:   f.String("load-cpus", "", "`CPUs` of the load (default: the second half)"),
		format:     formatsOf(cmd, writesCompare),
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.Probes = besides.of(trace.CountDepth)
		if err := o.complete(cmd, args, flags); err != nil {
			return err
		}
		return compareModels(env, o, quiet(cmd))
	}
	return cmd
}

// complete checks what was asked and fills in what was not.
func (o *compareOptions) complete(cmd *cobra.Command, args []string, flags compareFlags) error {
	var err error
	if o.Server.Protocol, err = switchyard.ParseProtocol(*flags.protocol); err != nil {
		return usagef("--%v", err)
	}
	o.format = *flags.format
	if o.Models, err = chooseModels(args); err != nil {
		return err
	}
	switch {
	case o.Load.Clients < 1:
		return usagef("--clients %d: want 1 or more", o.Load.Clients)
	case o.Rounds < 1:
		return usagef("--rounds %d: want 1 or more", o.Rounds)
	case o.Rounds > maxRounds:
		return usagef("--rounds %d: at most %d", o.Rounds, maxRounds)
	case o.Load.Duration < 10*time.Millisecond:
		return usagef("--duration %v: want 10ms or more", o.Load.Duration)
	case o.Load.Warmup < 0:
		return usagef("--warmup %v: want 0s or more", o.Load.Warmup)
	case o.Load.RequestsPerConn < 0:
		return usagef("--requests-per-conn %d: want 1 or more, or 0 to keep connections",
			o.Load.RequestsPerConn)
	case o.Server.Workers < 0:
		return usagef("--workers %d: want 1 or more, or 0 for the default", o.Server.Workers)
	case o.Server.MaxConns < 0:
		return usagef("--max-conns %d: want 1 or more, or 0 for the default", o.Server.MaxConns)
	case o.Server.Protocol == switchyard.Echo && cmd.Flags().Changed("path"):
		return usagef("--path %q: --protocol echo has no paths", o.Path)
	case o.Server.Protocol == switchyard.HTTP && strings.HasPrefix(o.Path, "/crash"):
		return usagef("--path %q: that ends the server, so there is nothing to compare (see serve and curl)",
			o.Path)
	}
	// What servers and load would refuse is refused here, before the work.
	switch least, err := switchyard.CheckPath(o.Path); {
	case err != nil:
		return usagef("--path %q: %v", o.Path, err)
	case least >= o.Load.Duration:
		return usagef("--path %q: no request would be answered within --duration %v", o.Path,
			o.Load.Duration)
	}
	if err := o.Server.Validate(); err != nil {
		return flagged(cmd, err)
	}
	config := o.Load
	config.Target = "http://127.0.0.1:1" + o.Path
	if err := config.Check(); err != nil {
		return flagged(cmd, err)
	}
	if o.Server.Protocol == switchyard.HTTP {
		o.Server.SpinsPerMilli = switchyard.Calibrate()
	}
	allowed, err := proc.Allowed()
	if err != nil {
		return fmt.Errorf("read which CPUs may be used: %w", err)
	}
	first, second := allowed.Halves()
	if o.ServerCPUs, err = cpuFlag("--server-cpus", *flags.serverCPUs, first, allowed); err != nil {
		return err
	}
	if o.LoadCPUs, err = cpuFlag("--load-cpus", *flags.loadCPUs, second, allowed); err != nil {
		return err
	}
	if o.out != "" {
		if entries, err := os.ReadDir(o.out); err == nil && len(entries) > 0 {
			return fmt.Errorf("--out %q: the directory is not empty: name another, or remove it",
				o.out)
		}
	}
	return nil
}

// maxRounds is enough for a day of any model, and few enough to keep a number of each.
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
		return nil, usagef("%s %q: CPU %s is not one this process may run on (%s)", name, value,
			not, allowed)
	}
	return list, nil
}

// compareModels does the work and prints the result. What was measured before an interruption or a
// failure is not lost.
func compareModels(env Env, o compareOptions, quiet bool) error {
	var kept *rounds.Writer
	if o.out != "" { // before a minute's work, not after it
		var err error
		if kept, err = rounds.Create(filepath.Clean(o.out), own); err != nil {
			return fmt.Errorf("--out: %w", err)
		}
		defer kept.Close()
		o.Keep = kept.Add
	}
	end := env.ending()
	defer end.stop()
	ctx := end.asked

	bar := newProgress(env, o.Steps(), quiet)
	o.Calibrate = calibrateRounds
	o.Doing, o.DropPrivilege = bar.next, func() error {
		if kept == nil {
			return dropPrivilege()
		}
		// The directory may be another user's: files in it get their names at the end.
		return dropPrivilege(unix.CAP_CHOWN, unix.CAP_DAC_OVERRIDE)
	}
	result, keepErr := compare.Run(ctx, o.Options)
	bar.clear()
	if n := end.continued.Load(); n > 0 {
		result.Manifest.Warnings = append(result.Manifest.Warnings, fmt.Sprintf("compare was told to "+
			"go on %s, as after Ctrl-Z (SIGCONT). Servers and loads had gone on: the rates stand, but "+
			"a round that counted then has an idle time in it.", words.Count(n, "time")))
	}
	if kept != nil && keepErr == nil { // first: who reads standard output may be gone
		keepErr = kept.Commit(*result.Manifest)
	}
	c := report.OfRounds(result)
	if err := writeCompare(env, o.format, c); err != nil {
		return err
	}
	if keepErr != nil {
		return keepErr
	}
	if kept != nil && !quiet {
		out := filepath.Clean(o.out)
		env.say("The run is in %s: switchyard report %s", out, words.Shell(out))
	}
	if c.Interrupted {
		return fmt.Errorf("interrupted: %d of %d rounds of the first model are in the result",
			c.Models[0].Rounds, o.Rounds)
	}
	if err := checksOf(c); err != nil {
		return err
	}
	for i, r := range c.Models {
		if r.Rounds == 0 && o.Models[i].Available() == nil { // it can run here, and did not
			return fmt.Errorf("%s could not be measured: %s", r.Model, r.Reason)
		}
	}
	return nil
}

// checksOf is the first check of a comparison that failed, as an error.
func checksOf(c *report.Compare) error {
	for _, r := range c.Models {
		for _, k := range r.Checks {
			if k.Status == event.Fail {
				return fmt.Errorf("a check failed: %s, %s: %s (the numbers of that row are not to be trusted)",
					r.Model, k.Name, report.Difference(k))
			}
		}
	}
	return nil
}

func writeCompare(env Env, format string, c *report.Compare) error {
	return writeIn(env, format, func(f report.Format, width int) error {
		return f.Compare(env.Stdout, c, width)
	})
}
