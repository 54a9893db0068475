package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"switchyard/internal/child"
	"switchyard/internal/load"
	"switchyard/internal/report"
	"switchyard/internal/sys"
	"switchyard/internal/words"
)

func newLoadCommand(env Env) *cobra.Command {
	var c load.Config
	var control, parent int
	cmd := &cobra.Command{
		Use:   "load TARGET",
		Short: "put load on any HTTP or echo server",
		Long: `Put load on a server and show what its clients saw. TARGET is http://HOST:PORT/PATH
or echo://HOST:PORT, any server that speaks one of them.

Without --rate each client sends its next request when it has the answer to the
last (a closed loop). With --rate requests become due by the clock whether the
server keeps up or not (an open loop), and latency counts from the moment a
request was due. SIGINT, or any other signal that would end a program, ends
the run early: the result up to then is shown, and the exit code is 1.`,
		Example: `switchyard load http://127.0.0.1:8080/ --clients 64 --duration 5s
switchyard load http://127.0.0.1:8080/work?us=50 --rate 5000 --arrivals poisson --seed 7
switchyard load http://127.0.0.1:8080/ --requests-per-conn 1 --idle 1000 --format json
switchyard load echo://127.0.0.1:7777 --clients 8 --bytes 1024`,
		Args:              oneArg("a target, http://HOST:PORT/PATH or echo://HOST:PORT"),
		ValidArgsFunction: noFiles,
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.IntVar(&c.Clients, "clients", load.DefaultClients, "connections that make requests, one at a time each")
	fl.DurationVar(&c.Duration, "duration", load.DefaultDuration, "how long to measure")
	fl.DurationVar(&c.Warmup, "warmup", 0, "load before that, left out of the result")
	fl.Float64Var(&c.Rate, "rate", 0, "requests per second over all clients; 0 sends as fast as answers come")
	arrivals := choiceFlag(cmd, "arrivals", "with --rate, when requests are due",
		string(load.Constant), string(load.Poisson))
	fl.IntVar(&c.RequestsPerConn, "requests-per-conn", 0, "requests after which a client opens a new connection; 0 keeps it")
	fl.IntVar(&c.Idle, "idle", 0, "further connections that are opened first and stay silent")
	fl.Uint64Var(&c.Seed, "seed", 1, "seed of --arrivals poisson")
	fl.IntVar(&c.EchoBytes, "bytes", load.DefaultEchoBytes, "bytes of an echo request")
	fl.DurationVar(&c.Timeout, "timeout", load.DefaultTimeout, "longest wait for an answer")
	fl.DurationVar(&c.ConnectTimeout, "connect-timeout", load.DefaultConnectTimeout, "longest wait for a connection")
	fl.DurationVar(&c.Drain, "drain", load.DefaultDrain, "longest wait, at the end, for answers that are still to come")
	fl.IntVar(&c.Threads, "threads", 1, "threads that share the clients")
	fl.DurationVar(&c.Spin, "spin", load.DefaultSpin, "with --rate, how long before a request is due to poll instead of sleeping")
	descriptorFlag(cmd, &control, "control-fd", "inherited stream socket by which another process opens and closes the window")
	_ = fl.MarkHidden("control-fd")
	parentFlag(cmd, &parent)
	format := formatsOf(cmd, writesLoad)
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		c.Target, c.Arrivals = args[0], load.Arrivals(*arrivals)
		// Zero stands for a default in the library, and for a mistake here.
		for _, name := range []string{"bytes", "timeout", "connect-timeout", "drain", "threads"} {
			if v := fl.Lookup(name).Value.String(); v == "0" || v == "0s" {
				return usagef("--%s %s: want more than nothing", name, v)
			}
		}
		for name, needs := range map[string]struct {
			there bool
			what  string
		}{
			"arrivals": {c.Rate != 0, "--rate"},
			"spin":     {c.Rate != 0, "--rate"},
			"bytes":    {strings.HasPrefix(c.Target, "echo:"), "a target echo://HOST:PORT"},
		} {
			if fl.Changed(name) && !needs.there {
				return usagef("--%s %s: only a load with %s has that", name, fl.Lookup(name).Value,
					needs.what)
			}
		}
		if err := c.Check(); err != nil {
			return flagged(cmd, err)
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := belong(parent); err != nil {
			return err
		}
		return runLoad(env, c, control, parent, *format, quiet(cmd))
	}
	return cmd
}

// checkLoad says what is wrong with the arguments of `load`, if there are any.
func checkLoad(args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd := newLoadCommand(Env{})
	// It calls itself by its whole name.
	(&cobra.Command{Use: "switchyard"}).AddCommand(cmd)
	switch err := cmd.ParseFlags(args); {
	case errors.Is(err, pflag.ErrHelp):
		return usagef("--load: want a target and options (switchyard load --help lists them)")
	case err != nil:
		return usagef("--load: %v", flagError(cmd, err))
	}
	for _, own := range []string{"control-fd", "parent", "format"} {
		if cmd.Flags().Changed(own) {
			return usagef("--load: --%s: trace has the load's result, and says when it begins", own)
		}
	}
	rest := cmd.Flags().Args()
	if err := cmd.Args(cmd, rest); err != nil {
		return usagef("--load: %v", err)
	}
	if err := cmd.PreRunE(cmd, rest); err != nil {
		return usagef("--load: %v", err)
	}
	return nil
}

func runLoad(env Env, c load.Config, control, parent int, format string, quiet bool) error {
	end := env.ending()
	defer end.stop()
	ctx := end.asked

	if control >= 0 {
		ctl, err := child.OpenControl(ctx, control, parent)
		if err != nil {
			return usagef("--control-fd %d: %v", control, err)
		}
		// Whoever started it may be tracing: a load generator needs none of that.
		_ = sys.DropCapabilities()
		defer ctl.Close()
		c.BeforeMeasure, c.AfterMeasure = ctl.Begin, ctl.Done
	}
	if !quiet && env.StderrTerminal {
		env.say("%s: %s for %v", c.Target, words.Count(c.Clients, "client"),
			(c.Warmup + c.Duration).Round(time.Millisecond))
	}
	c.Continued = end.continued.Load
	r, err := load.Run(ctx, c)
	switch {
	case errors.Is(err, load.ErrUsage):
		return usagef("%v", err)
	case err != nil && ctx.Err() != nil:
		return errors.New("interrupted before anything was measured")
	case err != nil:
		return err
	}
	err = writeIn(env, format, func(f report.Format, width int) error {
		return f.Load(env.Stdout, r, width)
	})
	switch {
	case err != nil:
		return err
	case r.Interrupted:
		return fmt.Errorf("interrupted: the result covers %.1f s of %v",
			r.Window.Seconds, c.Duration)
	case r.Requests == 0:
		return fmt.Errorf("%s: no request was answered well (see the errors in the result)",
			c.Target)
	}
	return nil
}
