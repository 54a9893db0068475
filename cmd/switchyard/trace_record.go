package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"switchyard/internal/report"
	"switchyard/trace"

	"golang.org/x/sys/unix"
)

// spoolName is what a recording is called in its directory until its tables are written.
const spoolName = "spool"

// traceRecord traces in record depth.
func traceRecord(env Env, o traceOptions, quiet bool) (t *report.Trace, err error) {
	onThread(func() { t, err = recordOn(env, o, quiet) })
	return t, err
}

func recordOn(env Env, o traceOptions, quiet bool) (*report.Trace, error) {
	costs, err := openSwitchCost(o.switchCost)
	if err != nil {
		return nil, err
	}
	defer costs.close()
	r, err := trace.OpenRecorder(trace.RecordOptions{All: o.all, Syscalls: o.syscalls, Buffer: o.buffer})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	dir := o.out
	if dir == "" {
		if dir, err = os.MkdirTemp("", "switchyard-"); err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
	} else if err := makeDirectory(dir); err != nil {
		return nil, fmt.Errorf("--out: %w", err)
	}
	loaded, warnings, err := recordWindow(env, o, r, costs, filepath.Join(dir, spoolName))
	if o.out != "" && errors.Is(err, unix.ENOSPC) {
		return nil, fmt.Errorf("%w (what was written is kept: make room, then: switchyard recover %s)", err, o.out)
	}
	if err != nil {
		return nil, err
	}
	// Detached before the tables are written: they take longer than the window, and nobody is to pay for that.
	if err := r.Close(); err != nil {
		return nil, err
	}
	about := recorded{of: o.of(), warnings: warnings, load: loaded}
	if about.switchCost, err = costs.stop(); err != nil {
		return nil, err
	}
	costs.close()
	about.perEvent, about.how = perEvent(o.calibrate, trace.CostRecord)
	t, err := finish(dir, about)
	if err != nil {
		if o.out == "" {
			return nil, err
		}
		return nil, fmt.Errorf("%w (the recording is kept: switchyard recover %s)", err, o.out)
	}
	if o.out != "" && !quiet {
		fmt.Fprintf(env.Stderr, "The recording is in %s; switchyard report %s shows it again\n", filepath.Clean(o.out), o.out)
	}
	return t, nil
}

// recordWindow records to a spool until something ends it. It returns what the load printed.
func recordWindow(env Env, o traceOptions, r *trace.Recorder, costs *switchCoster, spool string) (loaded []byte, warnings []string, err error) {
	var child *command
	if len(o.command) > 0 {
		if child, err = startCommand(env, o.command); err != nil {
			return nil, nil, err
		}
		defer child.end()
	}
	if err := o.followAll(r, child); err != nil {
		return nil, nil, err
	}
	// Of a command it has to wait for the beginning, of others it is to be ready before the window.
	var l *traceLoad
	defer func() { l.end() }()
	if child == nil {
		if l, err = o.startLoad(); err != nil {
			return nil, nil, err
		}
	}
	if err := r.Start(spool); err != nil {
		return nil, nil, err
	}
	// What is kept besides is for the tables, in a directory that may be the invoking user's.
	if err := dropPrivilege(unix.CAP_CHOWN, unix.CAP_DAC_OVERRIDE); err != nil {
		warnings = append(warnings, warning(err))
	}
	if err := costs.start(); err != nil {
		return nil, nil, err
	}
	if child != nil {
		if l, err = o.startBoth(child); err != nil {
			return nil, nil, err
		}
	}
	if err := l.begin(); err != nil {
		return nil, nil, err
	}
	if ended, _ := awaitEnd(env, &o, child, l); ended != nil {
		warnings = append(warnings, fmt.Sprintf("The command failed: %v.", ended))
	}
	if _, err = r.Stop(); err != nil {
		return nil, nil, err
	}
	loaded, more := l.result()
	return loaded, append(warnings, more...), nil
}
