// Package compare puts the same load on servers of several designs, each a process of its own, and
// sums up what that took. It starts its own program again, as a server (serve) and as a load
// generator (load), and talks to both over sockets.
package compare

import (
	"context"
	"runtime"
	"time"

	"switchyard"
	"switchyard/internal/proc"
	"switchyard/internal/report"
)

// Options are what a comparison is to do. They are taken as they are: whoever makes them checks
// them.
type Options struct {
	Models               []switchyard.Model
	Clients              int
	Rounds               int // that measure rates; others count
	Duration, Warmup     time.Duration
	Protocol             switchyard.Protocol
	Path                 string // what is asked for over HTTP
	RequestsPerConn      int    // 0 keeps connections
	Workers, MaxConns    int    // 0 is the default
	ServerCPUs, LoadCPUs proc.CPUList
	Seed                 uint64
	Spins                uint64 // speed of /work's loop, the same for all models
	NoTrace              bool

	Host report.Host // the machine, for the result

	// The three below must be there. Doing is told what is measured next.
	Doing func(what string)
	// DropPrivilege gives up what is not needed once the probes were attached.
	DropPrivilege func() error
	// Prices measures what the named probes cost.
	Prices func(ctx context.Context, names ...string) ([]report.ProbeCost, error)
}

// Steps is how often Doing is called before what the probes cost is measured.
func (o Options) Steps() int { return len(o.plan()) * len(o.Models) }

// Run does all rounds, or as many as ctx lets it, and sums them up. Every process that it starts
// has ended when it returns, and dies with this one.
func Run(ctx context.Context, o Options) (result *report.Compare, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		// Every process the run starts dies with this thread.
		runtime.LockOSThread()
		result, err = newRun(o).measure(ctx)
	}()
	<-done
	return result, err
}
