package capture

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"switchyard/internal/child"
	"switchyard/internal/command"
	"switchyard/internal/report"
)

// loadPatience is the longest wait for a load generator that is warming up, and loadReach for its
// target to listen, which may be the command that is traced.
const (
	loadPatience = 10 * time.Minute
	loadReach    = 10 * time.Second
)

// A load is the load generator beside what is traced, a process of its own. Its zero value is none.
type load struct {
	p      *child.Load
	done   chan error // receives once when its window is over, or it has failed
	over   bool       // it was received
	err    error      // what was
	failed error      // why it was not put on
}

// start starts what --load asks for and waits until it is about to measure. The calling thread must
// be locked, and live as long as the load.
func (l *load) start(ctx context.Context, o *Options, traced *command.Command) error {
	if len(o.Load) == 0 {
		return nil
	}
	args := o.Load
	if o.Duration > 0 {
		args = append([]string{"--duration", o.Duration.String()}, args...)
	}
	var err error
	run := func() (int, <-chan struct{}, error) {
		if l.p, err = child.LaunchLoad("", nil, args...); err != nil {
			return 0, nil, err
		}
		return l.p.PID(), l.p.Exited(), nil
	}
	if traced == nil {
		_, _, err = run()
	} else {
		err = traced.Beside(run)
	}
	if err == nil {
		err = l.p.Ready(ctx, loadPatience)
	}
	if err != nil {
		return fmt.Errorf("--load: %w", err)
	}
	return nil
}

// startOn is start for the command that is traced, which may need time until it listens.
func (l *load) startOn(ctx context.Context, o *Options, traced *command.Command) error {
	if err := o.reach(ctx, traced); err != nil {
		return err
	}
	return l.start(ctx, o, traced)
}

// reach waits until somebody listens where the load is to go.
func (o *Options) reach(ctx context.Context, traced *command.Command) error {
	i := slices.IndexFunc(o.Load, func(s string) bool { return strings.Contains(s, "://") })
	if i < 0 {
		return nil // none, or the load generator says it better
	}
	target, err := url.Parse(o.Load[i])
	if err != nil || target.Host == "" {
		return nil
	}
	address := target.Host
	if target.Port() == "" {
		address = net.JoinHostPort(target.Hostname(), "80")
	}
	for deadline := time.Now().Add(loadReach); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			return c.Close()
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Now().After(deadline) || traced.Ended() {
			return fmt.Errorf("--load: the command does not listen there: %w", err)
		}
	}
}

// begin opens its window.
func (l *load) begin() error {
	if l.p == nil {
		return nil
	}
	if err := l.p.Begin(); err != nil {
		return fmt.Errorf("--load: %w", err)
	}
	l.done = make(chan error, 1)
	go func() { l.done <- l.p.Done(context.Background()) }()
	return nil
}

// result returns what it printed, nil if it was none or was cut off, and what the reader should
// know of it.
func (l *load) result() (result []byte, warnings []string) {
	switch {
	case l.p == nil || l.failed != nil:
		return nil, nil
	case !l.over:
		return nil, []string{"The window was closed before the load's: of what its clients saw nothing is kept."}
	}
	err := l.err
	if err == nil {
		err = l.p.End(context.Background())
	}
	if err != nil {
		warnings = append(warnings, fmt.Sprintf("The load failed: %s.", report.Words(err)))
	}
	select {
	case <-l.p.Exited(): // only then is all it printed here
		if json.Valid(l.p.Output()) {
			result = bytes.Clone(l.p.Output())
		}
	default:
	}
	return result, warnings
}

// end sees that it ends.
func (l *load) end() {
	if l.p != nil {
		l.p.Kill()
	}
}
