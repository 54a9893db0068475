package trace

import (
	"switchyard/internal/proc"
	"switchyard/internal/sys"
	"switchyard/trace/event"
)

// readStat returns what the CPUs did since boot; nothing if it cannot be read.
func readStat() proc.Stat {
	s, _ := proc.Here.Stat()
	return s
}

// readCtxt returns the number of switches on all CPUs since boot, as /proc/stat tells it, or why it
// cannot.
func readCtxt() (*event.Reading, string) {
	c := &event.Reading{Before: sys.Boottime()}
	text, err := proc.Here.Text("/proc/stat")
	c.After = sys.Boottime()
	if err != nil {
		return nil, err.Error()
	}
	if c.Value, err = proc.ParseSwitches(text); err != nil {
		return nil, err.Error()
	}
	return c, ""
}
