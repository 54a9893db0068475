package record

import (
	"errors"
	"fmt"
	"io/fs"

	"switchyard/internal/run"
	"switchyard/internal/sys"
	"switchyard/internal/words"
	"switchyard/trace/event"
)

// A Sink takes a run in the order of time, and finds something out: an analysis, a count, a
// timeline, a verdict. An error ends the replay.
type Sink interface {
	// Begin comes first. All of the run but its events is known.
	Begin(r *run.Reader) error
	// Event comes for each event. It is used again for the next: copy what is to stay.
	Event(e *event.Event) error
	// End comes after the last one.
	End() error
}

// Replay reads a run once, for any number of sinks: each gets everything, in the order in which
// they are given.
func Replay(r *run.Reader, sinks ...Sink) error {
	for _, s := range sinks {
		if err := s.Begin(r); err != nil {
			return err
		}
	}
	for e, err := range r.Events() {
		if err != nil {
			return err
		}
		for _, s := range sinks {
			if err := s.Event(e); err != nil {
				return err
			}
		}
	}
	for _, s := range sinks {
		if err := s.End(); err != nil {
			return err
		}
	}
	return nil
}

// OpenRun opens the run in a directory. Where there is a spool instead, the error says what to do.
func OpenRun(dir string) (*run.Reader, error) {
	r, err := run.Open(dir)
	if errors.Is(err, run.ErrIncomplete) && hasSpool(dir) {
		return nil, fmt.Errorf("%s: the recording was cut off before its tables were written: switchyard recover %s writes them",
			dir, words.Shell(dir))
	}
	return r, err
}

func hasSpool(dir string) bool {
	root, err := sys.OpenRoot(dir)
	if err != nil {
		return false
	}
	defer root.Close()
	_, err = root.Lstat(SpoolName)
	return !errors.Is(err, fs.ErrNotExist)
}
