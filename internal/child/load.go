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

// LoadOptions say what load to put on what.
type LoadOptions struct {
	Program string // that is run; "" is this one
	CPUs    proc.CPUList
	// Load is what it is to do. What is zero is the default of switchyard load; its functions are
	// the child's own.
	Load load.Config
}

// args are those of switchyard load.
func (o *LoadOptions) args() []string {
	c := &o.Load
	a := arguments{c.Target}
	a.flag("clients", c.Clients, c.Clients == 0)
	a.flag("duration", c.Duration, c.Duration == 0)
	a.flag("warmup", c.Warmup, c.Warmup == 0)
	a.flag("rate", c.Rate, c.Rate == 0)
	a.flag("arrivals", c.Arrivals, c.Arrivals == "")
	a.flag("seed", c.Seed, false)
	a.flag("requests-per-conn", c.RequestsPerConn, c.RequestsPerConn == 0)
	a.flag("idle", c.Idle, c.Idle == 0)
	a.flag("bytes", c.EchoBytes, c.EchoBytes == 0)
	a.flag("timeout", c.Timeout, c.Timeout == 0)
	a.flag("connect-timeout", c.ConnectTimeout, c.ConnectTimeout == 0)
	a.flag("drain", c.Drain, c.Drain == 0)
	a.flag("threads", c.Threads, c.Threads == 0)
	a.flag("spin", c.Spin, c.Spin == 0)
	return a
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
	l.patience = 20*time.Second + cmp.Or(o.Load.Duration, load.DefaultDuration)
	if err := l.Ready(ctx, 10*time.Second+o.Load.Warmup); err != nil {
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
