package main

import (
	"context"
	"os"
	"os/signal"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// endings are the signals that end a process which does not ask for them, but for those that tell
// of a fault in it, and those that stop it. What has been captured must not be lost by any of them.
var endings = []os.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1,
	unix.SIGUSR2, unix.SIGALRM,
	unix.SIGVTALRM, unix.SIGXCPU, unix.SIGIO, unix.SIGPWR, unix.SIGSTKFLT}

// refusals come when nobody reads what is written, or a file may grow no further (RLIMIT_FSIZE).
// The write says so too.
var refusals = []os.Signal{unix.SIGPIPE, unix.SIGXFSZ}

// An ending is how a command that captures something is asked to end, from before it begins until
// its result is written. The first signal ends the window. One that comes later leaves out what can
// be left out; the result is still written.
type ending struct {
	// asked is done when the window is to end, hurried when whatever is not part of the result is
	// to be left out.
	asked, hurried context.Context

	// continued is how often the process was told to go on (SIGCONT) before it was asked to end.
	// Whoever ends a process may tell it that too, lest it be stopped: timeout(1) does.
	continued atomic.Uint64

	closed atomic.Bool
	note   atomic.Pointer[string]
	stop   func()
}

// ending starts to wait for the signals. Call stop when the last byte is written: from then on they
// end the process again.
func (e Env) ending() *ending {
	asked, ask := context.WithCancel(context.Background())
	hurried, hurry := context.WithCancel(context.Background())
	end := &ending{asked: asked, hurried: hurried}
	signals, release := e.interrupts(unix.SIGCONT)
	over, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		for {
			select {
			case s := <-signals:
				if s == unix.SIGCONT {
					if asked.Err() == nil {
						end.continued.Add(1)
					}
					continue
				}
			case <-over:
				return
			}
			if !end.closed.Load() {
				ask()
				continue
			}
			hurry()
			if s := end.note.Swap(nil); s != nil {
				e.say("switchyard: %s", *s)
			}
		}
	}()
	end.stop = func() {
		close(over)
		<-gone
		release()
		ask()
		hurry()
	}
	return end
}

// catch delivers endings and other signals, and has refusals do nothing. SIGHUP stays without
// effect where nohup(1) has seen to that, as the others do but for those that are sent by hand:
// shells have what they start in the background ignore SIGINT.
func catch(others ...os.Signal) (<-chan os.Signal, func()) {
	c := make(chan os.Signal, 8)
	if len(others) > 0 { // of none Notify makes all
		signal.Notify(c, others...)
	}
	for _, s := range endings {
		if s == unix.SIGINT || s == unix.SIGTERM || !signal.Ignored(s) {
			signal.Notify(c, s)
		}
	}
	// Not ignored, which would be inherited by what is started.
	nowhere := make(chan os.Signal, 1)
	signal.Notify(nowhere, refusals...)
	return c, func() {
		signal.Stop(c)
		signal.Stop(nowhere)
	}
}

// close says that the window is closed: signals ask for haste from now on. The first that does is
// answered with the note, if there is one.
func (e *ending) close(note string) {
	if note != "" {
		e.note.Store(&note)
	}
	e.closed.Store(true)
}
