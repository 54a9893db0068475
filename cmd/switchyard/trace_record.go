package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"switchyard/internal/command"
	"switchyard/internal/record"
	"switchyard/internal/report"
	"switchyard/trace"

	"golang.org/x/sys/unix"
)

// traceRecord traces in record depth.
func traceRecord(env Env, o traceOptions, end *ending, quiet bool) (t *report.Trace, err error) {
	onThread(func() { t, err = recordOn(env, o, end, quiet) })
	return t, err
}

func recordOn(env Env, o traceOptions, end *ending, quiet bool) (*report.Trace, error) {
	dir, err := o.directory()
	if err != nil {
		return nil, err
	}
	defer dir.end()
	costs, err := openSwitchCost(o.switchCost)
	if err != nil {
		return nil, err
	}
	defer costs.close()
	r, err := trace.OpenRecorder(trace.RecordOptions{All: o.all, Probes: o.probes,
		Buffer: o.buffer})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	about, err := recordWindow(env, o, end, r, costs, dir)
	if err != nil {
		return nil, dir.kept(err)
	}
	// Detached before the tables are written: they take longer than the window, and nobody is to
	// pay for that.
	if err := r.Close(); err != nil {
		return nil, dir.kept(err)
	}
	if about.SwitchCost, err = costs.stop(); err != nil {
		about.Warnings = append(about.Warnings, "What switches cost is not known: "+report.Words(err)+".")
	}
	costs.close()
	about.NsPerEvent, about.Calibrated = perEvent(end.hurried, o.calibrate, trace.CostRecord)
	t, err := finish(dir.Directory, about.Extra)
	if err != nil {
		return nil, dir.kept(err)
	}
	if o.out != "" && !quiet {
		env.say("The recording is in %s; switchyard report %s shows it again",
			filepath.Clean(o.out), o.out)
	}
	if about.failed != nil {
		return t, about.failed
	}
	return t, about.status.err()
}

// A recordDirectory is where a recording goes: --out, or one that is removed when its report is
// made.
type recordDirectory struct {
	*record.Directory
	out   string // --out
	temp  string // the directory that is ours alone
	begun bool   // the spool holds something
}

// directory makes it. What is wrong with it is found now, not when there is something to lose.
func (o *traceOptions) directory() (d *recordDirectory, err error) {
	d = &recordDirectory{out: o.out}
	if o.out == "" {
		if d.temp, err = os.MkdirTemp("", "switchyard-"); err != nil {
			return nil, err
		}
		if d.Directory, err = record.Create(d.temp, nil); err != nil {
			return nil, errors.Join(err, os.Remove(d.temp))
		}
		return d, nil
	}
	if err = makeDirectory(filepath.Dir(o.out)); err == nil {
		d.Directory, err = record.Create(o.out, own)
	}
	if err != nil {
		return nil, fmt.Errorf("--out: %w", err)
	}
	return d, nil
}

// end leaves of the directory what is worth keeping.
func (d *recordDirectory) end() {
	if d.begun {
		d.Close()
	} else {
		d.Discard()
	}
	if d.temp != "" {
		os.RemoveAll(d.temp)
	}
}

// kept adds to an error what is to be done about a recording that has begun.
func (d *recordDirectory) kept(err error) error {
	if d.out == "" && errors.Is(err, unix.ENOSPC) {
		return fmt.Errorf("%w (without --out a recording goes to %s: name a directory with more room, or set TMPDIR)", err, os.TempDir())
	}
	if d.out == "" || !d.begun {
		return err
	}
	if errors.Is(err, unix.ENOSPC) {
		return fmt.Errorf("%w (what was written is kept: make room, then: switchyard recover %s)",
			err, d.out)
	}
	return fmt.Errorf("%w (the recording is kept: switchyard recover %s)", err, d.out)
}

// writing is what somebody is told who interrupts the writing of the tables.
func (o *traceOptions) writing() string {
	if o.out == "" {
		return "interrupted: the result of the trace is still being made"
	}
	return fmt.Sprintf("interrupted: the tables of the recording are still being written (after kill -9: switchyard recover %s)", o.out)
}

// recordWindow records to a spool until something ends it.
func recordWindow(env Env, o traceOptions, end *ending, r *trace.Recorder, costs *switchCoster,
	dir *recordDirectory) (recorded, error) {
	about := recorded{Extra: record.Extra{Of: o.of(), Warnings: o.notes}}
	var child *command.Command
	if len(o.command) > 0 {
		var err error
		if child, err = command.Start(o.command); err != nil {
			return recorded{}, err
		}
		defer child.End(end.hurried.Done())
	}
	if err := o.followAll(r, child); err != nil {
		return recorded{}, err
	}
	var l traceLoad
	defer l.end()
	if child == nil {
		if err := l.start(end.asked, &o, nil); err != nil {
			return recorded{}, err
		}
	}
	if end.asked.Err() != nil {
		return recorded{}, errInterrupted
	}
	if err := r.Start(dir.Spool()); err != nil {
		return recorded{}, err
	}
	dir.begun = true
	// What is kept besides is for the tables, in a directory that may be the invoking user's.
	if err := dropPrivilege(append(o.privileges(), unix.CAP_CHOWN,
		unix.CAP_DAC_OVERRIDE)...); err != nil {
		about.Warnings = append(about.Warnings, warning(err))
	}
	if err := costs.start(); err != nil {
		return recorded{}, err
	}
	continued := end.continued.Load()
	err := o.window(end, child, &l, r.Failed())
	end.close(o.writing())
	if err != nil {
		return recorded{}, err
	}
	if _, err = r.Stop(); err != nil {
		return recorded{}, err
	}
	status, warnings := endCommand(child, end)
	about.status, about.Warnings = status, append(about.Warnings, warnings...)
	about.Warnings = append(about.Warnings, stoodStill(end.continued.Load()-continued)...)
	about.Load, warnings = l.result()
	about.failed, about.Warnings = l.failed, append(about.Warnings, warnings...)
	return about, nil
}
