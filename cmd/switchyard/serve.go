package main

import (
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"switchyard"
	"switchyard/internal/child"
	"switchyard/internal/serve"
)

func newServeCommand(env Env) *cobra.Command {
	var o serve.Options
	cmd := &cobra.Command{
		Use:   "serve MODEL",
		Short: "run one server design",
		Long: `Run one server design until Ctrl-C, SIGTERM, the end of the terminal (SIGHUP), or any
other signal that would end a program. It then answers the requests that have
arrived (for --grace at the longest), takes no others and ends; a second signal
ends it at once. "switchyard models" lists the designs.

The paths over HTTP: / a short reply, /bytes?n=N a reply of N bytes, /work?us=N
burns N µs of CPU, /sleep?ms=N blocks N ms, /crash kills the worker.`,
		Example: `switchyard serve poll/epoll
switchyard serve threads/pool --workers 32 --listen 127.0.0.1:0
switchyard serve fork/per-conn --protocol echo --listen 127.0.0.1:7777`,
		Args:              oneArg("the name of a model"),
		ValidArgsFunction: completeModel,
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.StringVar(&o.Server.Listen, "listen", "127.0.0.1:8080",
		"IP `address:port` to listen on; port 0 has a free one picked")
	protocol := choiceFlag(cmd, "protocol", "what the server speaks", "http", "echo")
	fl.IntVar(&o.Server.Workers, "workers", 0,
		"number of workers; 0 is the design's own default")
	fl.IntVar(&o.Server.MaxConns, "max-conns", 10_000,
		"connections served at once; beyond them accepting pauses")
	fl.DurationVar(&o.Server.Grace, "grace", 2*time.Second,
		"longest wait for requests in progress when ending")
	descriptorFlag(cmd, &o.ReadyFD, "ready-fd",
		"inherited descriptor that gets one byte, and is closed, when connections are served")
	descriptorFlag(cmd, &o.StatsFD, "stats-fd", "inherited stream socket: for each byte read "+
		"from it, one JSON line of counters is written to it")
	fl.Uint64Var(&o.Server.SpinsPerMilli, "spins", 0,
		"speed of the loop behind /work in turns per ms; 0 measures it")
	// For whoever compares models: one calibration for all of them.
	_ = fl.MarkHidden("spins")
	parentFlag(cmd, &o.Parent)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var err error
		if o.Model, err = lookupModel(args[0]); err != nil {
			return err
		}
		if o.Server.Protocol, err = switchyard.ParseProtocol(*protocol); err != nil {
			return usagef("--protocol: %v", err)
		}
		if err := checkServe(&o); err != nil {
			return err
		}
		if err := adoptServe(&o); err != nil {
			return err
		}
		return runServer(env, o, quiet(cmd))
	}
	return cmd
}

// checkServe says what was asked wrongly.
func checkServe(o *serve.Options) error {
	s := &o.Server
	switch {
	case s.Workers < 0:
		return usagef("--workers %d: want 1 or more, or 0 for the design's own default", s.Workers)
	case s.MaxConns < 1:
		return usagef("--max-conns %d: want 1 or more", s.MaxConns)
	case s.Grace <= 0:
		return usagef("--grace %v: want a duration longer than nothing, such as 2s", s.Grace)
	case s.Grace > longest:
		return usagef("--grace %v: at most %v", s.Grace, longest)
	case s.SpinsPerMilli > maxSpins:
		return usagef("--spins %d: at most %d", s.SpinsPerMilli, uint64(maxSpins))
	case o.ReadyFD >= 0 && o.ReadyFD == o.StatsFD:
		return usagef("--ready-fd %d and --stats-fd %d: want different descriptors", o.ReadyFD,
			o.StatsFD)
	}
	if _, err := netip.ParseAddrPort(s.Listen); err != nil {
		return usagef("--listen %q: want an IP address and a port, such as 127.0.0.1:8080 "+
			"(0.0.0.0:8080 for every interface)", s.Listen)
	}
	if err := s.Validate(); err != nil {
		return usagef("--%v", err)
	}
	return nil
}

// maxSpins is more turns of a loop in a millisecond than any CPU does.
const maxSpins = 1e9

// adoptServe takes over what the process has inherited.
func adoptServe(o *serve.Options) error {
	if o.ReadyFD >= 0 {
		if err := child.Adopt(o.ReadyFD); err != nil {
			return usagef("--ready-fd %d: %v", o.ReadyFD, err)
		}
	}
	if o.StatsFD >= 0 {
		if err := child.AdoptSocket(o.StatsFD); err != nil {
			return usagef("--stats-fd %d: %v", o.StatsFD, err)
		}
	}
	return belong(o.Parent)
}

func runServer(env Env, o serve.Options, quiet bool) error {
	signals, unsubscribe := env.interrupts()
	defer unsubscribe()
	o.Signals = signals
	o.Listening = func(at netip.AddrPort) { env.say("listening on %s", at) }
	summary, err := serve.Run(o)
	if summary != "" && !quiet {
		env.say("%s", summary)
	}
	return err
}
