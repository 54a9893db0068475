package main

import (
	"context"
	"fmt"
	"time"

	"switchyard/internal/command"
	"switchyard/internal/words"
)

// window does what an open window is for: it lets the command go, puts the load on, and waits for
// what comes first of the time, the processes' end, the load's, an interrupt, and failed. A load
// that cannot be put on ends the window, and says so in l: what was seen until then is worth
// keeping.
func (o *traceOptions) window(end *ending, child *command.Command, l *traceLoad,
	failed <-chan struct{}) error {
	ctx, cancel := context.WithCancel(end.asked)
	defer cancel()
	var exited <-chan struct{}
	if child != nil {
		if err := child.Run(); err != nil {
			return err
		}
		exited = child.Exited()
		// Of a command it has to wait for the beginning, of others it was ready before the window.
		l.failed = l.startOn(ctx, o, child)
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
	case o.duration > 0 && l.p == nil: // the load has the same
		t := time.NewTimer(o.duration)
		defer t.Stop()
		timer = t.C
	}
	var finished <-chan struct{}
	if len(o.pids) > 0 {
		finished = command.Gone(o.pids, ctx.Done())
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
	if child != nil && end.asked.Err() == nil {
		child.Outlived()
	}
	return nil
}

// endCommand ends the command, and says what whoever reads the result should know of that.
func endCommand(child *command.Command, end *ending) (status exitStatus, warnings []string) {
	code, err := child.End(end.hurried.Done())
	if err != nil {
		warnings = append(warnings, warning(err))
	}
	return exitStatus(code), warnings
}

// stoodStill says what a window was in which this process was told to go on so often.
func stoodStill(continued uint64) []string {
	if continued == 0 {
		return nil
	}
	return []string{fmt.Sprintf("The tracer was told to go on %s, as after Ctrl-Z (SIGCONT): the "+
		"window has the time in it that it was stopped, in which a command that was stopped with "+
		"it counts as blocked.", words.Count(continued, "time"))}
}
