package child

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"

	"switchyard/internal/load"
	"switchyard/internal/proc"
)

// LoadOptions say what load to put on what. Zero is the default of switchyard load, but for
// RequestsPerConn, which keeps connections.
type LoadOptions struct {
	Program         string // that is run; "" is this one
	CPUs            proc.CPUList
	Target          string
	Clients         int
	Duration        time.Duration
	Warmup          time.Duration
	RequestsPerConn int
	Rate            float64
	Timeout         time.Duration
	Seed            uint64
}

// args are those of switchyard load.
func (o *LoadOptions) args() []string {
	args := []string{o.Target, "--requests-per-conn", strconv.Itoa(o.RequestsPerConn),
		"--seed", strconv.FormatUint(o.Seed, 10)}
	if o.Clients > 0 {
		args = append(args, "--clients", strconv.Itoa(o.Clients))
	}
	if o.Rate > 0 {
		args = append(args, "--rate", strconv.FormatFloat(o.Rate, 'g', -1, 64))
	}
	for _, d := range []struct {
		flag string
		v    time.Duration
	}{{"--duration", o.Duration}, {"--warmup", o.Warmup}, {"--timeout", o.Timeout}} {
		if d.v > 0 {
			args = append(args, d.flag, d.v.String())
		}
	}
	return args
}

// A Load is a load generator in a process of its own.
type Load struct {
	*Process
	patience time.Duration // of Done
}

// StartLoad starts a load generator and returns when it is warmed up and has nothing outstanding.
// Load then waits for Begin. The calling goroutine must be locked to its thread, which must live as
// long as the load.
func StartLoad(ctx context.Context, o LoadOptions) (*Load, error) {
	l, err := LaunchLoad(o.Program, o.CPUs, o.args()...)
	if err != nil {
		return nil, err
	}
	l.patience = 20*time.Second + cmp.Or(o.Duration, load.DefaultDuration)
	if err := l.Ready(ctx, 10*time.Second+o.Warmup); err != nil {
		l.Kill()
		return nil, err
	}
	return l, nil
}

// LaunchLoad is StartLoad with the arguments of switchyard load as somebody has written them. It
// does not wait: call Ready before Begin.
func LaunchLoad(program string, cpus proc.CPUList, args ...string) (*Load, error) {
	args = append(append([]string{"load"}, args...), "--control-fd", "3",
		"--parent", strconv.Itoa(os.Getpid()), "--format", "json", "--quiet")
	p, err := start(program, cpus, nil, args...)
	if err != nil {
		return nil, err
	}
	return &Load{p, forever}, nil
}

const forever = time.Duration(1 << 62)

// Ready waits until the load generator is warmed up and has nothing outstanding.
func (l *Load) Ready(ctx context.Context, patience time.Duration) error {
	return l.expect(ctx, sayReady, patience)
}

// Begin opens the load's window.
func (l *Load) Begin() error { return l.write(sayGo + "\n") }

// Done waits until the window is over and nothing is outstanding. The connections stay open.
func (l *Load) Done(ctx context.Context) error { return l.expect(ctx, sayDone, l.patience) }

// End has the load generator close its connections and end. What it printed (Output) is then its
// result, as JSON.
func (l *Load) End(ctx context.Context) error {
	if err := l.write(sayEnd + "\n"); err != nil {
		return err
	}
	return l.Wait(ctx, 20*time.Second)
}

// Result is End, and returns what the clients saw.
func (l *Load) Result(ctx context.Context) (*load.Result, error) {
	if err := l.End(ctx); err != nil {
		return nil, err
	}
	r := new(load.Result)
	if err := json.Unmarshal(l.Output(), r); err != nil {
		return nil, fmt.Errorf("read its result: %w", err)
	}
	return r, nil
}
