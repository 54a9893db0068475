package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"switchyard"
	"switchyard/internal/child"
	"switchyard/internal/sys"
)

// serveFlags is what "serve" is asked for.
type serveFlags struct {
	listen   string
	protocol string
	workers  int
	maxConns int
	grace    time.Duration
	readyFD  int
	statsFD  int
	spins    uint64
	parent   int
}

func newServeCommand(env Env) *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve MODEL",
		Short: "run one server design",
		Long: `Run one server design until SIGINT or SIGTERM. It then answers the requests that
have arrived (for --grace at the longest), takes no others and ends; a second
signal ends it at once. "switchyard models" lists the designs.

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
	fl.StringVar(&f.listen, "listen", "127.0.0.1:8080", "IP `address:port` to listen on; port 0 has a free one picked")
	protocol := choiceFlag(cmd, "protocol", "what the server speaks", "http", "echo")
	fl.IntVar(&f.workers, "workers", 0, "number of workers; 0 is the design's own default")
	fl.IntVar(&f.maxConns, "max-conns", 10_000, "connections served at once; beyond them accepting pauses")
	fl.DurationVar(&f.grace, "grace", 2*time.Second, "longest wait for requests in progress when ending")
	descriptorFlag(cmd, &f.readyFD, "ready-fd", "inherited descriptor that gets one byte, and is closed, when connections are served")
	descriptorFlag(cmd, &f.statsFD, "stats-fd", "inherited stream socket: for each byte read from it, one JSON line of counters is written to it")
	fl.Uint64Var(&f.spins, "spins", 0, "speed of the loop behind /work in turns per ms; 0 measures it")
	// For whoever compares models: one calibration for all of them.
	_ = fl.MarkHidden("spins")
	parentFlag(cmd, &f.parent)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		f.protocol = *protocol
		return serve(env, args[0], f, quiet(cmd))
	}
	return cmd
}

// check says what was asked wrongly.
func (f serveFlags) check() error {
	switch {
	case f.workers < 0:
		return usagef("--workers %d: want 1 or more, or 0 for the design's own default", f.workers)
	case f.maxConns < 1:
		return usagef("--max-conns %d: want 1 or more", f.maxConns)
	case f.grace <= 0:
		return usagef("--grace %v: want a duration longer than nothing, such as 2s", f.grace)
	case f.grace > longest:
		return usagef("--grace %v: at most %v", f.grace, longest)
	case f.spins > maxSpins:
		return usagef("--spins %d: at most %d", f.spins, uint64(maxSpins))
	case f.readyFD >= 0 && f.readyFD == f.statsFD:
		return usagef("--ready-fd %d and --stats-fd %d: want different descriptors", f.readyFD, f.statsFD)
	}
	if _, err := netip.ParseAddrPort(f.listen); err != nil {
		return usagef("--listen %q: want an IP address and a port, such as 127.0.0.1:8080 (0.0.0.0:8080 for every interface)", f.listen)
	}
	return nil
}

// maxSpins is more turns of a loop in a millisecond than any CPU does.
const maxSpins = 1e9

func serve(env Env, name string, f serveFlags, quiet bool) (err error) {
	model, err := lookupModel(name)
	if err != nil {
		return err
	}
	if err := f.check(); err != nil {
		return err
	}
	protocol, err := switchyard.ParseProtocol(f.protocol)
	if err != nil {
		return usagef("--protocol: %v", err)
	}
	for _, in := range []struct {
		flag  string
		fd    int
		adopt func(int) error
	}{{"--ready-fd", f.readyFD, child.Adopt}, {"--stats-fd", f.statsFD, child.AdoptSocket}} {
		if in.fd < 0 {
			continue
		}
		if err := in.adopt(in.fd); err != nil {
			return usagef("%s %d: %v", in.flag, in.fd, err)
		}
	}
	if err := belong(f.parent); err != nil {
		return err
	}
	if err := model.Available(); err != nil {
		return fmt.Errorf("%s cannot run here: %w", model.Name, err)
	}
	if err := sys.RoomForFiles(fewestFiles); err != nil {
		return fmt.Errorf("serve %s: %w", model.Name, err)
	}

	counters, free, err := switchyard.NewCounters()
	if err != nil {
		return fmt.Errorf("make counters: %w", err)
	}
	// What a server that was left behind still uses is not taken from it.
	leftBehind := false
	defer func() {
		if !leftBehind {
			free()
		}
	}()
	var ready atomic.Bool
	opts := switchyard.Options{
		Listen:        f.listen,
		Protocol:      protocol,
		Workers:       f.workers,
		MaxConns:      f.maxConns,
		Grace:         f.grace,
		Counters:      counters,
		SpinsPerMilli: f.spins,
		Ready: func(at netip.AddrPort) {
			ready.Store(true)
			env.say("listening on %s", at)
			if f.readyFD >= 0 {
				// Whoever gave the descriptor may be gone; the server is not.
				sys.Write(f.readyFD, []byte{'\n'})
				child.Release(f.readyFD)
			}
		},
	}
	if err := opts.Validate(); err != nil {
		return usagef("%v", err)
	}
	server, err := model.New(opts)
	if err != nil {
		return fmt.Errorf("serve %s: %w", model.Name, err)
	}
	defer func() {
		if !leftBehind {
			server.Close()
		}
	}()

	gone := make(chan struct{})
	if f.statsFD >= 0 {
		stop, err := child.Answer(f.statsFD, f.parent, func() (child.Stats, error) {
			s, err := child.ReadStats(counters)
			s.Address, s.Workers = server.Addr().String(), model.Workers(opts)
			return s, err
		}, gone)
		if err != nil {
			return fmt.Errorf("serve %s: %w", model.Name, err)
		}
		defer stop()
	}

	signals, unsubscribe := env.interrupts()
	defer unsubscribe()
	ctx, drain := context.WithCancel(context.Background())
	if f.parent == 0 {
		gone = nil
	}
	start := time.Now()
	served := make(chan struct{})
	var failure error // once served is closed
	go func() {
		failure = server.Serve(ctx)
		close(served)
	}()
	cutOff := watch(signals, gone, served, drain, server)
	select {
	case <-served:
		err = failure
	default:
		leftBehind = true
	}
	if ready.Load() && !quiet {
		env.say("%s", summary(counters, time.Since(start)))
	}
	switch {
	case cutOff:
		return fmt.Errorf("serve %s: a second signal ended the drain: connections in use were cut off", model.Name)
	case err != nil:
		return fmt.Errorf("serve %s: %w", model.Name, err)
	}
	return nil
}

// fewestFiles is how many descriptors every server needs: a listener, what its
// design waits with, and a few connections. A design that needs more says so.
const fewestFiles = 8

// watch drains the server at the first signal, or when gone is closed, and closes
// it at the next signal, and reports whether it came to that. It ends when served
// is closed, or when a server that was closed does not end: no thread can be
// stopped that computes for /work but with the process.
func watch(signals <-chan os.Signal, gone, served <-chan struct{}, drain func(), server switchyard.Server) (cutOff bool) {
	defer drain()
	select {
	case <-signals:
		drain()
	case <-gone:
		drain()
	case <-served:
		return false
	}
	for first := time.Now(); ; {
		select {
		case <-signals:
			if time.Since(first) < sameSignal {
				continue
			}
			go server.Close()
			select {
			case <-served:
			case <-time.After(closeTime):
			}
			return true
		case <-served:
			return false
		}
	}
}

// sameSignal is how long after the first a signal is the same request to end:
// timeout(1) sends it to the process and then to its group, and whoever is
// called by a program that passes Ctrl-C on gets that from the terminal too.
const sameSignal = 100 * time.Millisecond

// closeTime is how long a server may take to close its connections.
const closeTime = 200 * time.Millisecond

// summary is one line of what the server counted. What never happened is left
// out.
func summary(c *switchyard.Counters, d time.Duration) string {
	s := fmt.Sprintf("served %s on %s in %.1f s",
		count(c.Requests.Load(), "request", "requests"), count(c.Accepted.Load(), "connection", "connections"), d.Seconds())
	var also []string
	for _, n := range []struct {
		n         uint64
		one, many string
	}{
		{c.Refused.Load(), "connection refused", "connections refused"},
		{c.Paused.Load(), "pause at a limit", "pauses at a limit"},
		{c.EmptyWake.Load(), "wake-up for nothing", "wake-ups for nothing"},
		{c.Forks.Load(), "fork", "forks"},
		{c.Threads.Load(), "thread", "threads"},
		{c.Crashed.Load(), "worker crashed", "workers crashed"},
		{c.Respawned.Load(), "worker started again", "workers started again"},
	} {
		if n.n > 0 {
			also = append(also, count(n.n, n.one, n.many))
		}
	}
	if len(also) == 0 {
		return s
	}
	return s + "; " + strings.Join(also, ", ")
}

// count is a number and what it is a number of.
func count(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
