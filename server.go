package switchyard

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"time"
)

// A Server is bound to its address and serves when told to.
type Server interface {
	// Addr is the address that is bound, with the port that the kernel picked if port 0 was asked
	// for. It is known from New on and does not change.
	Addr() netip.AddrPort
	// Serve accepts and serves until ctx is done, Close is called or the design fails. When ctx is
	// done it drains: it answers every request that the kernel has for it by then, on connections
	// that wait to be accepted too, and takes no others; it closes idle connections, cuts the rest
	// off after Options.Grace, and returns nil. A request that is in /work then is not interrupted:
	// Serve returns after it. After Close it returns ErrServerClosed. When it returns, every task
	// and descriptor it made is gone. Serve is called once: while it serves a second call returns
	// ErrServing.
	Serve(ctx context.Context) error
	// Close stops the server at once, cutting connections off, and releases the address. Closing
	// twice, or before Serve, is fine.
	Close() error
}

// ErrServerClosed is what Serve returns after Close. It wraps os.ErrClosed.
var ErrServerClosed = fmt.Errorf("server closed: %w", os.ErrClosed)

// ErrServing is what Serve returns while another call serves.
var ErrServing = errors.New("serve: called twice")

// Options are what every model's constructor takes. The zero value of each field means its default.
type Options struct {
	// Listen is the address, an IP and a port: "127.0.0.1:0" by default, and port 0 has the kernel
	// pick one, which Server.Addr tells.
	Listen string
	// Protocol is HTTP by default.
	Protocol Protocol
	// Workers is the number of workers of the designs that make them in advance; 0 is the design's
	// own default.
	Workers int
	// MaxConns bounds the number of connections served at once, 10,000 by default. At the bound
	// accepting pauses and Counters.Paused says so.
	MaxConns int
	// Grace is how long a drain waits for requests in progress, 2 s by default.
	Grace time.Duration
	// Ready is called once, from Serve, when connections are served, with the address that was
	// bound.
	Ready func(netip.AddrPort)
	// Counters, when not nil, is counted into while the server runs. Get one from NewCounters: the
	// memory must be shared with forked children.
	Counters *Counters
	// SpinsPerMilli is how many turns of the loop in /work take a millisecond of CPU time, as
	// Calibrate measures it; with 0 it is measured once for the process.
	SpinsPerMilli uint64
}

// DefaultPoolWorkers is how many workers the blocking pools (fork/prefork…, fork/fd-pass,
// fork/reuseport, threads/pool…, threads/hand-off) make unless told: each serves one connection at
// a time. Stevens' figures use 15.
const DefaultPoolWorkers = 16

// WithDefaults fills in every field that has a default, but for Workers, whose default is the
// design's own.
func (o Options) WithDefaults() Options {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	o.MaxConns = o.maxConns()
	if o.Grace == 0 {
		o.Grace = 2 * time.Second
	}
	if o.SpinsPerMilli == 0 && o.Protocol == HTTP {
		o.SpinsPerMilli = calibrated()
	}
	return o
}

// No machine comes near these; what is reserved in advance still has a size that can be computed.
const (
	maxWorkers  = 1 << 20
	maxMaxConns = 1 << 24
)

// Validate says what is wrong with the options, or nil.
func (o Options) Validate() error {
	switch {
	case o.Protocol != HTTP && o.Protocol != Echo:
		return fmt.Errorf("protocol %d: want http or echo", o.Protocol)
	case o.Workers < 0:
		return fmt.Errorf("workers %d: want 1 or more, or 0 for the design's own default",
			o.Workers)
	case o.Workers > maxWorkers:
		return fmt.Errorf("workers %d: at most %d", o.Workers, maxWorkers)
	case o.MaxConns > maxMaxConns:
		return fmt.Errorf("max-conns %d: at most %d", o.MaxConns, maxMaxConns)
	case o.MaxConns < 0:
		return fmt.Errorf("max-conns %d: want 1 or more, or 0 for the default", o.MaxConns)
	case o.Grace < 0:
		return errors.New("grace is negative: want a duration, or 0 for the default")
	}
	return nil
}

// Count returns Counters, or new ones that nobody else reads and forked children do not share.
func (o Options) Count() *Counters {
	if o.Counters == nil {
		return new(Counters)
	}
	return o.Counters
}

func (o Options) maxConns() int {
	if o.MaxConns == 0 {
		return 10_000
	}
	return o.MaxConns
}

// PoolWorkers is how many workers a pool makes: Workers, or DefaultPoolWorkers when that is 0, and
// no more than MaxConns, as each serves one connection.
func (o Options) PoolWorkers() int {
	if o.Workers > 0 {
		return min(o.Workers, o.maxConns())
	}
	return min(DefaultPoolWorkers, o.maxConns())
}

// LoopWorkers is Workers, or one for each CPU this process may run on when that is 0: the default
// of the designs with several event loops.
func (o Options) LoopWorkers() int {
	if o.Workers > 0 {
		return o.Workers
	}
	return runtime.NumCPU()
}

// Handler is the handler these options ask for.
func (o Options) Handler() Handler {
	return Handler{Protocol: o.Protocol, SpinsPerMilli: o.SpinsPerMilli}
}
