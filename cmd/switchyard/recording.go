package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"switchyard/internal/record"
	"switchyard/internal/report"
	rundir "switchyard/internal/run"
	"switchyard/internal/sched"
	"switchyard/trace/event"
	"switchyard/trace/spool"
	"switchyard/trace/syscalls"
)

// recordedOptions are what a manifest keeps of the tracing, so that the analysis can be made again.
type recordedOptions struct {
	Of       string `json:"of"`
	All      bool   `json:"all"`
	Nested   bool   `json:"nested,omitempty"`
	Syscalls bool   `json:"syscalls"`
	Buffer   int    `json:"buffer_bytes"`
	Online   int    `json:"cpus_online"`
	Steal    int64  `json:"steal_ns"`

	Interrupts int64             `json:"interrupts_ns"`
	Ctxt       *[2]event.Reading `json:"ctxt,omitempty"`

	Throttled    *event.Throttling `json:"throttled,omitempty"`
	ThrottledWhy string            `json:"throttled_why,omitempty"`

	SwitchCost *report.SwitchCost `json:"switch_cost_ns,omitempty"`
}

// json is the form a manifest takes them in.
func (o recordedOptions) json() json.RawMessage {
	b, err := json.Marshal(o)
	if err != nil {
		panic(err) // never: they are numbers and text
	}
	return b
}

func recordedOptionsOf(m *rundir.Manifest) (o recordedOptions, err error) {
	if err := json.Unmarshal(m.Options, &o); err != nil {
		return o, fmt.Errorf("manifest.json: its options: %w", err)
	}
	return o, nil
}

func newAnalysis(window event.Window, o recordedOptions, opened []event.Snapshot, lost []event.Lost) *sched.Analysis {
	options := sched.Options{All: o.All, Nested: o.Nested, CPUs: o.Online, Steal: time.Duration(o.Steal), Interrupts: time.Duration(o.Interrupts)}
	if o.Ctxt != nil {
		options.Ctxt = o.Ctxt
	}
	a := sched.NewAnalysis(window, options)
	for i := range opened {
		a.Start(&opened[i])
	}
	for _, l := range lost {
		a.Lost(l)
	}
	return a
}

// recorded is what is known of a recording besides its spool.
type recorded struct {
	of         string   // what was traced
	warnings   []string // for whoever reads it
	switchCost *report.SwitchCost
	load       []byte   // what the load generator beside it printed; nil: there was none
	failed     error    // why there was none, although asked for
	perEvent   *float64 // what an event cost, ns,
	how        string   // and how that was found, or why it was not
}

// finish makes a run directory of the spool in a directory, says what is in it, and removes the spool.
func finish(dir *record.Directory, k recorded) (*report.Trace, error) {
	rec, err := spool.Read(dir.Spool())
	if err != nil {
		return nil, err
	}
	if !rec.Opens() {
		return nil, errors.New("the recording was cut off before its window was open: nothing of it is known")
	}
	w, err := dir.Tables()
	if err != nil {
		return nil, err
	}
	defer w.Close()

	about := rec.About()
	o := recordedOptions{Of: k.of, SwitchCost: k.switchCost, All: about.All, Nested: about.Nested, Syscalls: about.Syscalls, Buffer: about.Buffer, Online: about.Online, Steal: int64(about.Steal), Interrupts: int64(about.Interrupts), Ctxt: about.Ctxt,
		Throttled: about.Throttled, ThrottledWhy: about.ThrottledWhy}
	analysis := newAnalysis(rec.Window(), o, rec.Opened(), rec.Lost())
	calls := newSyscallCounter(o.Syscalls, about.Host.Arch, rec.Window())
	err = rec.Events(func(e *event.Event) error {
		calls.event(e)
		analysis.Event(e)
		return w.Event(e)
	})
	if err != nil {
		return nil, err
	}
	closed := rec.Closed()
	for i := range closed {
		analysis.End(&closed[i])
	}
	analysis.Tasks(rec.Tasks())
	result := analysis.Result()

	w.Tasks(rec.Tasks())
	w.Snapshots(rec.Opened(), closed)
	w.Lost(rec.Lost())
	m := manifestOf(&about, rec, result, o)
	m.Warnings = append(m.Warnings, k.warnings...)
	w.Load(k.load)
	m.Probe.NsPerEvent, m.Probe.Calibrated = k.perEvent, k.how
	if err := w.Commit(m); err != nil {
		return nil, err
	}
	if err := dir.Done(); err != nil {
		return nil, err
	}
	// What was committed, and not what was meant to be.
	r, err := dir.Run()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return withLoad(recordReport(result, r.Tasks(), r.Manifest(), o, calls), r)
}

// A syscallCounter counts recorded system calls by name.
type syscallCounter struct {
	arch   string
	window event.Window
	counts map[string]uint64
}

// newSyscallCounter returns one that counts nothing if system calls were not recorded.
func newSyscallCounter(recorded bool, arch string, w event.Window) *syscallCounter {
	c := &syscallCounter{arch: arch, window: w}
	if recorded {
		c.counts = make(map[string]uint64)
	}
	return c
}

func (c *syscallCounter) event(e *event.Event) {
	if e.Kind == event.SyscallEnter && c.counts != nil && e.Time >= c.window.Open && e.Time <= c.window.Close {
		c.counts[syscalls.Name(c.arch, e.Flags&event.FlagCompat != 0, e.Value)]++
	}
}

func manifestOf(about *spool.About, rec *spool.Recording, result *sched.Result, o recordedOptions) rundir.Manifest {
	cost := about.Cost
	m := rundir.Manifest{
		Made:    time.Now().UTC(),
		Command: about.Args,
		Options: o.json(),
		Host:    about.Host,
		Window:  rec.Window(),
		Clock:   rundir.Clock{Boottime: about.Boottime, Realtime: about.Realtime},
		Probe:   rundir.Probe{Events: rec.Records()},
		Checks:  result.Checks,
	}
	if cost.Events > 0 {
		per := float64(cost.Bytes) / float64(cost.Events)
		reader, attach, memory := int64(cost.ReaderCPU), int64(cost.Attach), int64(cost.Memory)
		m.Probe.BytesPerEvent, m.Probe.ReaderCPU, m.Probe.Attach, m.Probe.Memory = &per, &reader, &attach, &memory
	}
	if cut := rec.Cut(); cut != "" {
		m.Warnings = append(m.Warnings, "The recording was cut off: "+cut+".")
	}
	return m
}

// replay reads a run directory and makes its report again.
func replay(dir string) (*report.Trace, error) {
	r, err := rundir.Open(dir)
	if err != nil {
		if errors.Is(err, rundir.ErrIncomplete) {
			if _, e := os.Stat(filepath.Join(dir, record.SpoolName)); e == nil {
				return nil, fmt.Errorf("%s: the recording was cut off before its tables were written: switchyard recover %s writes them", dir, dir)
			}
		}
		return nil, err
	}
	defer r.Close()
	m := r.Manifest()
	o, err := recordedOptionsOf(m)
	if err != nil {
		return nil, err
	}
	opened, closed := r.Snapshots()
	window := m.Window
	a := newAnalysis(window, o, opened, r.Lost())
	calls := newSyscallCounter(o.Syscalls, m.Host.Arch, window)
	for e, err := range r.Events() {
		if err != nil {
			return nil, err
		}
		calls.event(e)
		a.Event(e)
	}
	for i := range closed {
		a.End(&closed[i])
	}
	a.Tasks(r.Tasks())
	return withLoad(recordReport(a.Result(), r.Tasks(), m, o, calls), r)
}

// withLoad puts what a run directory has of a load into its report.
func withLoad(t *report.Trace, r *rundir.Reader) (*report.Trace, error) {
	result, err := r.Load()
	if err != nil {
		return nil, err
	}
	if t.Load, err = loadReport(result); err != nil {
		return nil, err
	}
	return t, nil
}
