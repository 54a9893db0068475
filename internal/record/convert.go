package record

import (
	"cmp"
	"errors"
	"strings"

	"switchyard/internal/run"
	"switchyard/trace/event"
	"switchyard/trace/spool"
)

// Extra is what is known of a recording besides its spool.
type Extra struct {
	Of         string             // what was traced; "": the command line that recorded it
	Warnings   []string           // sentences for whoever reads it
	SwitchCost *event.SwitchCosts // nil: it was not measured
	Load       []byte             // JSON that the load generator beside it printed; nil: none
	// NsPerEvent is what an event cost, nil if it was not measured, and Calibrated how that was
	// found, or why it was not.
	NsPerEvent *float64
	Calibrated string
}

// Convert makes a run of the spool in a directory and removes the spool. A recording that was cut
// off becomes a run that says so. After an error the spool is still there.
func Convert(d *Directory, x Extra) error {
	rec, err := spool.Read(d.spool)
	if err != nil {
		return err
	}
	if !rec.Opens() {
		return errors.New("the recording was cut off before its window was open: nothing of it is known")
	}
	w, err := run.CreateIn(d.root, d.path, d.own)
	if err != nil {
		return err
	}
	defer w.Close()
	if err := rec.Events(w.Event); err != nil {
		return err
	}
	w.Tasks(rec.Tasks())
	w.Snapshots(rec.Opened(), rec.Closed())
	w.Last(rec.Last())
	w.Lost(rec.Lost())
	w.Load(x.Load)
	if err := w.Commit(manifest(rec, &x)); err != nil {
		return err
	}
	return d.root.Remove(SpoolName)
}

// manifest says what a spool says of itself, and what is known besides.
func manifest(rec *spool.Recording, x *Extra) run.Manifest {
	about := rec.About()
	m := run.Manifest{
		Command: about.Args,
		Options: run.Options{
			Of: cmp.Or(x.Of, strings.Join(about.Args, " ")), All: about.All, Nested: about.Nested,
			Probes: about.Probes, Syscalls: about.Syscalls, Buffer: about.Buffer,
			Online: about.Online, CPUs: about.CPUs, NoHotplug: about.NoHotplug,
			Steal: (*int64)(about.Steal), Interrupts: (*int64)(about.Interrupts), Ctxt: about.Ctxt,
			Throttled: about.Throttled, ThrottledWhy: about.ThrottledWhy, SwitchCost: x.SwitchCost,
		},
		Host:   about.Host,
		Window: rec.Window(),
		Clock:  run.Clock{Boottime: about.Boottime, Realtime: about.Realtime},
		Probe: run.Probe{Events: rec.Records(), NsPerEvent: x.NsPerEvent,
			Calibrated: x.Calibrated},
		Warnings: x.Warnings,
	}
	m.Made = m.Clock.Time(m.Window.Close).UTC() // and not when, or where, the tables were made
	if cost := &about.Cost; cost.Events > 0 {
		per := float64(cost.Bytes) / float64(cost.Events)
		reader, attach, memory := int64(cost.ReaderCPU), int64(cost.Attach), int64(cost.Memory)
		m.Probe.BytesPerEvent, m.Probe.ReaderCPU, m.Probe.Attach, m.Probe.Memory = &per, &reader,
			&attach, &memory
	}
	if cut := rec.Cut(); cut != "" {
		m.Warnings = append([]string{"The recording was cut off: " + cut + "."}, m.Warnings...)
	}
	return m
}
