package record

import (
	"encoding/json"
	"fmt"

	"switchyard/internal/load"
	"switchyard/internal/report"
	"switchyard/internal/run"
)

// Finish makes a run of the spool in a directory, as Convert does, and says what is in it.
func Finish(d *Directory, x Extra) (*report.Trace, error) {
	if err := Convert(d, x); err != nil {
		return nil, err
	}
	r, err := d.Run()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return Show(r)
}

// Show says what is in a run.
func Show(r *run.Reader) (*report.Trace, error) {
	var scheduling Scheduling
	var calls Syscalls
	if err := Replay(r, &scheduling, &calls); err != nil {
		return nil, err
	}
	t := report.OfRecording(scheduling.Result(), r.Tasks(), r.Manifest(), calls.Values())
	if n := len(scheduling.online); n > 0 {
		t.Host.CPUs = n // as in count depth and in compare; the manifest has the possible ones
	}
	printed, err := r.Load()
	if err != nil {
		return nil, err
	}
	if t.Load, err = LoadOf(printed); err != nil {
		return nil, err
	}
	return t, nil
}

// LoadOf is what a report has of a load.json, nil of none.
func LoadOf(printed []byte) (*report.TraceLoad, error) {
	if printed == nil {
		return nil, nil
	}
	var r load.Result
	if err := json.Unmarshal(printed, &r); err != nil {
		return nil, fmt.Errorf("load.json: %w", err)
	}
	return report.OfLoad(&r), nil
}
