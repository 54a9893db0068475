package record

import (
	"switchyard/internal/run"
	"switchyard/trace/event"
	"switchyard/trace/syscalls"
)

// Syscalls is the Sink that counts the system calls that tasks entered in the window.
type Syscalls struct {
	// Counts are by name, as the kernel of the recorded machine calls them; nil if they were not
	// recorded.
	Counts map[string]uint64

	arch   string
	window event.Window
}

// Begin implements Sink.
func (s *Syscalls) Begin(r *run.Reader) error {
	m := r.Manifest()
	s.arch, s.window, s.Counts = m.Host.Arch, m.Window, nil
	if m.Options.Syscalls {
		s.Counts = make(map[string]uint64)
	}
	return nil
}

// Event implements Sink.
func (s *Syscalls) Event(e *event.Event) error {
	if e.Kind == event.SyscallEnter && s.Counts != nil && e.Time >= s.window.Open &&
		e.Time < s.window.Close {
		s.Counts[syscalls.Name(s.arch, e.Flags&event.FlagCompat != 0, e.Value)]++
	}
	return nil
}

// Values are Counts as what was counted in a column; none if they were not recorded.
func (s *Syscalls) Values() event.Values {
	if s.Counts == nil {
		return nil
	}
	calls := event.Value{Column: syscalls.Column, Parts: s.Counts}
	for _, n := range s.Counts {
		calls.Count += n
	}
	return event.Values{calls}
}

// End implements Sink.
func (s *Syscalls) End() error { return nil }
