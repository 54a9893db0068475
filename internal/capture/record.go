package capture

import (
	"os"

	"golang.org/x/sys/unix"

	"switchyard/internal/child"
	"switchyard/internal/record"
	"switchyard/internal/report"
	"switchyard/trace"
	"switchyard/trace/event"
)

// A Recording says what record depth needs besides.
type Recording struct {
	Buffer int            // bytes of each CPU's ring
	Out    string         // the run directory, which is made; "" keeps none
	Own    func(*os.File) // is given what is made there, to give it to the user it is for
}

// Record captures in record depth. What was captured when an error comes is kept, where there is a
// directory, and the error says so.
func Record(o Options, rec Recording) (r *Result, err error) {
	child.Locked(func() { r, err = keep(&o, &rec) })
	return r, err
}

func keep(o *Options, rec *Recording) (*Result, error) {
	notes := o.findProcesses()
	dir, err := rec.directory()
	if err != nil {
		return nil, err
	}
	defer dir.end()
	costs, err := openSwitchCost(o.SwitchCost)
	if err != nil {
		return nil, err
	}
	defer costs.close()
	recorder, err := trace.OpenRecorder(trace.RecordOptions{All: o.All, Probes: o.Probes,
		Buffer: rec.Buffer})
	if err != nil {
		return nil, err
	}
	defer recorder.Close()
	x := record.Extra{Of: o.of(), Warnings: notes}
	r, err := recordWindow(o, recorder, costs, dir, &x)
	if err != nil {
		return nil, dir.kept(err)
	}
	// Detached before the tables are written: they take longer than the window, and nobody is to
	// pay for that.
	if err := recorder.Close(); err != nil {
		return nil, dir.kept(err)
	}
	if x.SwitchCost, err = costs.stop(); err != nil {
		x.Warnings = append(x.Warnings,
			"What switches cost is not known: "+report.Words(err)+".")
	}
	costs.close()
	x.NsPerEvent, x.Calibrated = perEvent(o, event.PriceRecord)
	if r.Trace, err = record.Finish(dir.Directory, x); err != nil {
		return nil, dir.kept(err)
	}
	return r, nil
}

// recordWindow records to a spool until something ends it, and adds to x what is known besides.
func recordWindow(o *Options, recorder *trace.Recorder, costs *switchCoster, dir *directory,
	x *record.Extra) (*Result, error) {
	traced, err := o.start()
	if err != nil {
		return nil, err
	}
	defer traced.End(o.Hurried.Done())
	if err := o.followAll(recorder, traced); err != nil {
		return nil, err
	}
	w, err := openWindow(o, traced)
	if err != nil {
		return nil, err
	}
	defer w.end()
	if err := recorder.Start(dir.Spool()); err != nil {
		return nil, err
	}
	dir.begun = true
	// What is kept besides is for the tables, in a directory that may be the invoking user's.
	if err := o.DropPrivilege(append(o.privileges(), unix.CAP_CHOWN,
		unix.CAP_DAC_OVERRIDE)...); err != nil {
		x.Warnings = append(x.Warnings, warning(err))
	}
	if err := costs.start(); err != nil {
		return nil, err
	}
	if err := w.wait(recorder.Failed(), dir.writing()); err != nil {
		return nil, err
	}
	if _, err := recorder.Stop(); err != nil {
		return nil, err
	}
	status, loaded, warnings := w.close()
	x.Load, x.Warnings = loaded, append(x.Warnings, warnings...)
	return &Result{Status: status, Failed: w.load.failed}, nil
}
