// Package serve runs one server until it is told to end, and says what it did.
package serve

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"switchyard"
	"switchyard/internal/child"
	"switchyard/internal/sys"
)

// Options say what to run.
type Options struct {
	Model switchyard.Model
	// Server is what its constructor takes. Ready and Counters are filled in.
	Server switchyard.Options
	// ReadyFD gets one byte, and is closed, when connections are served. StatsFD is a socket on
	// which the server answers for itself (child.Answer). -1 is none; others must have been adopted
	// (child.Adopt).
	ReadyFD, StatsFD int
	// Parent is the process that the server ends with, or when that closes its end of StatsFD; 0 is
	// none.
	Parent int
	// Signals delivers what asks the server to end: the first drains it, the next ends it at once.
	Signals <-chan os.Signal
	// Listening is told where it listens once connections are served.
	Listening func(netip.AddrPort)
}

// Run runs a server until a signal, or until it fails. The summary is what it did, in words; "" if
// it never served.
func Run(o Options) (summary string, err error) {
	if err := o.Model.Available(); err != nil {
		return "", fmt.Errorf("%s cannot run here: %w", o.Model.Name, err)
	}
	summary, err = run(o)
	if err != nil {
		err = fmt.Errorf("serve %s: %w", o.Model.Name, err)
	}
	return summary, err
}

func run(o Options) (summary string, err error) {
	if err := sys.RoomForFiles(fewestFiles); err != nil {
		return "", err
	}
	counters, free, err := switchyard.NewCounters()
	if err != nil {
		return "", fmt.Errorf("make counters: %w", err)
	}
	// What a server that was left behind still uses is not taken from it.
	leftBehind := false
	defer func() {
		if !leftBehind {
			free()
		}
	}()
	var ready atomic.Bool
	o.Server.Counters = counters
	o.Server.Ready = func(at netip.AddrPort) {
		ready.Store(true)
		o.Listening(at)
		if o.ReadyFD >= 0 {
			// Whoever gave the descriptor may be gone; the server is not.
			sys.Write(o.ReadyFD, []byte{'\n'})
			child.Release(o.ReadyFD)
		}
	}
	server, err := o.Model.New(o.Server)
	if err != nil {
		return "", err
	}
	defer func() {
		if !leftBehind {
			server.Close()
		}
	}()

	gone := make(chan struct{})
	if o.StatsFD >= 0 {
		stop, err := child.Answer(o.StatsFD, o.Parent, func() (child.Stats, error) {
			s, err := child.ReadStats(counters)
			s.Address, s.Workers = server.Addr().String(), o.Model.Workers(o.Server)
			return s, err
		}, gone)
		if err != nil {
			return "", err
		}
		defer stop()
	}
	if o.Parent == 0 {
		gone = nil
	}

	ctx, drain := context.WithCancel(context.Background())
	start := time.Now()
	served := make(chan struct{})
	var failure error // once served is closed
	go func() {
		failure = server.Serve(ctx)
		close(served)
	}()
	cutOff := watch(o.Signals, gone, served, drain, server)
	select {
	case <-served:
		err = failure
	default:
		leftBehind = true
	}
	if cutOff {
		err = errors.New("a second signal ended the drain: connections in use were cut off")
	}
	if ready.Load() {
		summary = summarize(counters, time.Since(start))
	}
	return summary, err
}

// fewestFiles is how many descriptors every server needs: a listener, what its design waits with,
// and a few connections. A design that needs more says so.
const fewestFiles = 8

// watch drains the server at the first signal, or when gone is closed, and closes it at the next
// signal, and reports whether it came to that. It ends when served is closed, or when a server that
// was closed does not end: no thread can be stopped that computes for /work but with the process.
func watch(signals <-chan os.Signal, gone, served <-chan struct{}, drain func(),
	server switchyard.Server) (cutOff bool) {
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
			if time.Since(first) < SameSignal {
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

// SameSignal is how long after the first a signal is the same request to end: timeout(1) sends it
// to the process and then to its group, and whoever is called by a program that passes Ctrl-C on
// gets that from the terminal too.
const SameSignal = 100 * time.Millisecond

// closeTime is how long a server may take to close its connections.
const closeTime = 200 * time.Millisecond
