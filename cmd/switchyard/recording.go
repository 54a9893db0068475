package main

import (
	"switchyard/internal/record"
	"switchyard/internal/report"
	rundir "switchyard/internal/run"
)

// recorded is what is known of a recording besides its spool.
type recorded struct {
	record.Extra
	failed error      // why there was no load, although asked for
	status exitStatus // what the command ended with
}

// finish makes a run of the spool in a directory, and says what is in it.
func finish(dir *record.Directory, x record.Extra) (*report.Trace, error) {
	if err := record.Convert(dir, x); err != nil {
		return nil, err
	}
	r, err := dir.Run()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return show(r)
}

// replay says what is in the run in a directory.
func replay(dir string) (*report.Trace, error) {
	r, err := record.OpenRun(dir)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return show(r)
}

// show makes the report of a run.
func show(r *rundir.Reader) (*report.Trace, error) {
	var scheduling record.Scheduling
	var calls record.Syscalls
	if err := record.Replay(r, &scheduling, &calls); err != nil {
		return nil, err
	}
	t := report.OfRecording(scheduling.Result(), r.Tasks(), r.Manifest(), calls.Counts)
	load, err := r.Load()
	if err != nil {
		return nil, err
	}
	if t.Load, err = loadReport(load); err != nil {
		return nil, err
	}
	return t, nil
}
