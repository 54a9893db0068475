package spool

import (
	"time"

	"switchyard/trace/event"
)

// About is what a recording says of itself.
type About struct {
	// what an older spool does not tell is empty; Host.CPUs are possible ones: no event is of
	// another
	Host   event.Host
	Online int // above the highest number of one that was online
	// those online when the window opened, in the kernel's list format; "": not known
	CPUs      string
	NoHotplug string   // why it is not known when CPUs went offline and came back; "": it is
	All       bool     // as in RecordOptions
	Probes    []string // likewise; an older spool does not tell
	Syscalls  bool     // those of system calls are among them
	// the recorder was in a PID namespace of its own: the snapshots are of that one's tasks
	Nested bool
	Buffer int      // the size of each ring, bytes
	Args   []string // the recorder's command line
	// The same moment by two clocks, ns: CLOCK_BOOTTIME, which all times of the recording are of,
	// and CLOCK_REALTIME.
	Boottime, Realtime int64

	// Steal is the time the hypervisor kept from all CPUs in the window, Interrupts what they spent
	// in interrupts. Ctxt is ctxt of /proc/stat at its two ends, nil if that could not be read.
	// Cost is what recording took. A recording that was cut off has none of them.
	Steal, Interrupts *time.Duration
	Ctxt              *[2]event.Reading
	Cost              Cost

	// Throttled is as in Counts. Nil if it is not known, and ThrottledWhy has the reason.
	Throttled    *event.Throttling
	ThrottledWhy string
}

// About returns it.
func (r *Recording) About() About {
	b := &r.x.begin
	a := About{
		Host: b.host(), Online: min(b.Online, b.CPUs), All: b.All, Probes: b.Probes,
		Syscalls: b.Syscalls, Nested: b.Level > 0, Buffer: b.Buffer, Args: b.Args,
		Boottime: b.Boottime, Realtime: b.Realtime,
		ThrottledWhy: "the recording was cut off before it was read a second time",
	}
	if a.NoHotplug = b.NoHotplug; b.Version < 5 {
		a.NoHotplug = "an older switchyard recorded it"
	}
	if r.x.window != nil {
		a.CPUs = r.x.window.Online
	}
	if end := r.x.end; end != nil {
		a.Steal, a.Interrupts, a.Cost = (*time.Duration)(&end.Steal),
			(*time.Duration)(&end.Interrupts), end.Cost
		a.Throttled, a.ThrottledWhy = end.Throttled, end.ThrottledWhy
		if a.Throttled == nil && a.ThrottledWhy == "" {
			a.ThrottledWhy = "an older switchyard recorded it"
		}
		if open := r.x.window; open != nil && open.Ctxt != nil && end.Ctxt != nil {
			a.Ctxt = &[2]event.Reading{*open.Ctxt, *end.Ctxt}
		}
	}
	return a
}
