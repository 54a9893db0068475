package compare

import (
	"context"

	"switchyard"
	"switchyard/internal/child"
	"switchyard/internal/load"
	"switchyard/internal/proc"
	"switchyard/internal/rounds"
)

// Options are what a comparison is to do. They are taken as they are: whoever makes them checks
// them.
type Options struct {
	Models []switchyard.Model
	Rounds int // that measure rates; others count
	// Server is what every server is to do: Protocol, MaxConns, and Workers, which are as many as
	// clients in a pool unless told. SpinsPerMilli is the same for all models.
	Server switchyard.Options
	// Load is what is put on each. Target is filled in; Seed is of the order of the models, too.
	Load                 load.Config
	Path                 string // what is asked for over HTTP
	ServerCPUs, LoadCPUs proc.CPUList
	NoTrace              bool
	// Probes are asked for in the rounds that count, by name: trace.Optional has them.
	Probes []string

	// Calibrate is in how many rounds it is measured at the end what the probes cost; 0: it is not.
	Calibrate int

	// Program is what is run as server and load generator; "" is this program.
	Program string

	// Any of the functions below may be nil. Doing is told what is measured next.
	Doing func(what string)
	// Keep is given each round when it is over. After an error it is not called again, and Run
	// returns the error beside the result.
	Keep func(*rounds.Round) error
	// DropPrivilege gives up what is not needed once the probes were attached.
	DropPrivilege func() error
}

// Steps is how often Doing is called before what the probes cost is measured.
func (o Options) Steps() int { return len(o.plan()) * len(o.Models) }

// Run does all rounds, or as many as ctx lets it, and sums them up. Every process that it starts
// has ended when it returns, and dies with this one. The result is there beside an error, too.
func Run(ctx context.Context, o Options) (result *rounds.Result, err error) {
	child.Locked(func() { result, err = newRun(o).measure(ctx) })
	return result, err
}
