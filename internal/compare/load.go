package compare

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

// A Load is a load generator in a process of its own.
type Load struct {
	*Process
	duration time.Duration
}

// StartLoad starts a load generator and returns when it is warmed up and has nothing outstanding.
// Load then waits for Begin.
func StartLoad(ctx context.Context, o LoadOptions) (*Load, error) {
	args := []string{"load", o.Target, "--requests-per-conn", strconv.Itoa(o.RequestsPerConn),
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
	args = append(args, "--control-fd", "3", "--parent", strconv.Itoa(os.Getpid()),
		"--format", "json", "--quiet")
	p, err := start(o.Program, o.CPUs, nil, args...)
	if err != nil {
		return nil, err
	}
	l := &Load{p, cmp.Or(o.Duration, load.DefaultDuration)}
	if err := Expect(ctx, p, "ready", 10*time.Second+o.Warmup); err != nil {
		p.Kill()
		return nil, err
	}
	return l, nil
}

// Begin opens the load's window.
func (l *Load) Begin() error { return l.Say("go") }

// Done waits until the window is over and nothing is outstanding. The connections stay open.
func (l *Load) Done(ctx context.Context) error {
	return Expect(ctx, l.Process, "done", 20*time.Second+l.duration)
}

// Result has the load generator close its connections and end, and returns what its clients saw.
func (l *Load) Result(ctx context.Context) (*load.Result, error) {
	if err := l.Say("end"); err != nil {
		return nil, err
	}
	if err := l.Wait(ctx, 20*time.Second); err != nil {
		return nil, err
	}
	r := new(load.Result)
	if err := json.Unmarshal(l.Output(), r); err != nil {
		return nil, fmt.Errorf("read its result: %w", err)
	}
	return r, nil
}
