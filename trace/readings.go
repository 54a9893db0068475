package trace

import (
	"strings"

	"golang.org/x/sys/unix"

	"switchyard/internal/proc"
	"switchyard/internal/sys"
	"switchyard/trace/event"
)

// readStat returns what the CPUs did since boot; nothing if it cannot be read.
func readStat() proc.Stat {
	s, _ := proc.Here.Stat()
	return s
}

// readCtxt returns the number of switches on all CPUs since boot, as /proc/stat tells it, or why it cannot.
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

// missingCapabilities names the capabilities tracing needs and this thread does not have, "" if it has them all or that
// cannot be told.
func missingCapabilities() string {
	caps, err := proc.Here.Capabilities()
	if err != nil || caps.Trace() {
		return ""
	}
	var missing []string
	if !caps.Has(unix.CAP_BPF) {
		missing = append(missing, "CAP_BPF")
	}
	if !caps.Has(unix.CAP_PERFMON) {
		missing = append(missing, "CAP_PERFMON")
	}
	return strings.Join(missing, " and ")
}
