package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"switchyard/internal/sys"
	"switchyard/trace/event"
)

// Recording is what a spool holds, read: every event in the order of time, and the tasks they are
// about.
type Recording struct {
	f     *os.File
	own   bool // it is ours to close
	x     *index
	tasks []event.Task
	ids   []kernelIDs // by task
	// by the kernel's TID: whose it is at this point of the recording, plus 1; 0: nobody's known
	now   []event.TaskID
	books []lastBooks // by task
	// numbers are by the kernel's TID: what the recorder's PID namespace calls it now. In the first
	// one there are none.
	numbers []uint32
	// current is by CPU: who came to it last. exchanged are the kernel's TIDs of leaders that a
	// thread has taken, before exec's event, and who had them. renamed are the last names that
	// leaders have given themselves: exec gives one, too.
	current   []event.TaskID
	exchanged map[uint32]event.TaskID
	renamed   map[event.TaskID]renaming
	renamings int
	marks     map[event.TaskID]uint32 // what tells the tasks apart that have got other numbers
	opened    []event.Snapshot
	closed    []event.Snapshot
	last      []event.Snapshot
	bad       error
	read      bool
	beyond    uint64 // records after the end of a recording that was cut off
}

// Open opens a spool for reading, whole or cut off. The error wraps ErrFormat if it is none, or was
// written by a newer version.
func Open(path string) (_ *Recording, err error) {
	f, err := sys.OpenRegular(path)
	if errors.Is(err, sys.ErrNotRegular) {
		return nil, fmt.Errorf("%w: %w", err, ErrFormat)
	}
	if err != nil {
		return nil, err
	}
	r, err := Read(f)
	if err != nil {
		f.Close()
		return nil, err
	}
	r.own = true
	return r, nil
}

// Read is Open for a file that is open for reading. It stays the caller's to close.
func Read(f *os.File) (*Recording, error) {
	x, err := readIndex(f)
	if err != nil {
		return nil, err
	}
	r := &Recording{f: f, x: x}
	r.opened, err = r.snapshots(x.opened, true)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Clean(f.Name()), err)
	}
	return r, nil
}

// Close closes the file, if Open opened it.
func (r *Recording) Close() error {
	if !r.own {
		return nil
	}
	return r.f.Close()
}

// Cut says how the recording ends before its end, "" if it is whole.
func (r *Recording) Cut() string {
	var why string
	switch {
	case r.bad != nil:
		return r.bad.Error()
	case r.x.cutCause != "":
		why = fmt.Sprintf("%s (%d bytes were left out)", r.x.cutCause, r.x.cut)
	case r.x.end == nil:
		why = "the tracer ended before it could complete the recording"
	default:
		return ""
	}
	if r.x.begin.Version < 3 {
		return why + ": of its last 50 ms some CPUs' events may be missing, and checks fail for that"
	}
	why += ": it ends where every CPU's events are known"
	if r.beyond > 0 {
		why += fmt.Sprintf(", and %d after that are left out", r.beyond)
	}
	return why
}

// Opens reports whether the recording has a window: one that was cut off may end before.
func (r *Recording) Opens() bool {
	return r.x.window != nil && r.x.until() > r.x.window.Time
}

// Window returns the time the recording is about. If it was cut off, it ends where the events of
// every CPU are known.
func (r *Recording) Window() event.Window {
	var w event.Window
	if r.x.window != nil {
		w.Open = r.x.window.Time
	}
	switch {
	case r.x.end != nil:
		w.Close = r.x.end.Time
	case r.x.begin.Version < 3:
		w.Close = max(r.x.last, w.Open)
	default:
		w.Close = max(r.x.known, w.Open)
	}
	return w
}

// Opened returns the snapshot taken before the window opened.
func (r *Recording) Opened() []event.Snapshot { return r.opened }

// Closed returns the snapshot taken after the window closed, once all events are read.
func (r *Recording) Closed() []event.Snapshot { return r.closed }

// Last returns what the kernel's books said of each task at its last switch, of those whose was
// recorded, once all events are read. Before version 4 there is nothing.
func (r *Recording) Last() []event.Snapshot { return r.last }

// Lost returns the intervals in which events were lost.
func (r *Recording) Lost() []event.Lost { return r.x.lost }

// Records returns how many records there are, of which events are the most.
func (r *Recording) Records() uint64 { return r.x.records }

// Tasks returns the tasks known so far.
func (r *Recording) Tasks() []event.Task { return r.tasks }
