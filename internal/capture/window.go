package capture

import (
	"context"
	"fmt"
	"time"

	"switchyard/internal/command"
	"switchyard/internal/words"
)

// A window is what happens around what is traced while it is: the command, and the load. Its zero
// value has neither.
type window struct {
	o      *Options
	traced *command.Command
	load   load

	continued uint64 // how often this process was told to go on while it was open
}

// openWindow puts the load on, but for a command, which has to be let go for that.
func openWindow(o *Options, traced *command.Command) (*window, error) {
	w := &window{o: o, traced: traced}
	if traced == nil {
		if err := w.load.start(o.Asked, o, nil); err != nil {
			w.end()
			return nil, err
		}
	}
	if o.Asked.Err() != nil {
		w.end()
		return nil, errInterrupted
	}
	return w, nil
}

// wait does what an open window is for: it lets the command go, puts the load on, and waits for
// what comes first of the time, the processes' end, the load's, an interrupt, and failed. A load
// that cannot be put on ends the window, and is in load.failed: what was seen until then is worth
// keeping. note is for whoever interrupts what comes then.
func (w *window) wait(failed <-chan struct{}, note string) error {
	before := w.o.Continued()
	defer func() {
		w.continued = w.o.Continued() - before
		w.o.Closed(note)
	}()
	ctx, cancel := context.WithCancel(w.o.Asked)
	defer cancel()
	l := &w.load
	var exited <-chan struct{}
	if w.traced != nil {
		if err := w.traced.Run(); err != nil {
			return err
		}
		exited = w.traced.Exited()
		// Of a command it has to wait for the beginning, of others it was ready before the window.
		l.failed = l.startOn(ctx, w.o, w.traced)
	}
	if l.failed == nil {
		l.failed = l.begin()
	}
	if ctx.Err() != nil {
		l.failed = nil // that was the interrupt
	}
	var timer <-chan time.Time
	switch {
	case l.failed != nil:
		cancel()
	case w.o.Duration > 0 && l.p == nil: // the load has the same
		t := time.NewTimer(w.o.Duration)
		defer t.Stop()
		timer = t.C
	}
	var finished <-chan struct{}
	if len(w.o.PIDs) > 0 {
		finished = command.Gone(w.o.PIDs, ctx.Done())
	}
	select {
	case <-timer:
	case <-finished:
	case <-failed:
	case <-exited:
	case l.err = <-l.done:
		l.over = true
	case <-ctx.Done():
	}
	if w.traced != nil && w.o.Asked.Err() == nil {
		w.traced.Outlived()
	}
	return nil
}

// close ends the command, and says what it ended with and what whoever reads the result should know
// of it and of the load.
func (w *window) close() (status int, loaded []byte, warnings []string) {
	status, err := w.traced.End(w.o.Hurried.Done())
	if err != nil {
		warnings = append(warnings, warning(err))
	}
	if w.continued > 0 {
		warnings = append(warnings, fmt.Sprintf("The tracer was told to go on %s, as after Ctrl-Z "+
			"(SIGCONT): the window has the time in it that it was stopped, in which a command that "+
			"was stopped with it counts as blocked.", words.Count(w.continued, "time")))
	}
	loaded, more := w.load.result()
	return status, loaded, append(warnings, more...)
}

// end sees that the load ends.
func (w *window) end() { w.load.end() }
