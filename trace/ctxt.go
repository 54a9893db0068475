package trace

import (
	"bytes"
	"os"
	"strconv"
)

// A Reading is a number that was read at a time known to lie between two others (ns of CLOCK_BOOTTIME).
type Reading struct {
	Before int64  `json:"before_ns"`
	After  int64  `json:"after_ns"`
	Value  uint64 `json:"value"`
}

// readCtxt returns the number of switches on all CPUs since boot, as /proc/stat tells it, or why it cannot.
func readCtxt() (*Reading, string) {
	c := &Reading{Before: Boottime()}
	b, err := os.ReadFile("/proc/stat")
	c.After = Boottime()
	if err != nil {
		return nil, err.Error()
	}
	for line := range bytes.Lines(b) {
		if n, ok := bytes.CutPrefix(line, []byte("ctxt ")); ok {
			c.Value, err = strconv.ParseUint(string(bytes.TrimSpace(n)), 10, 64)
			if err != nil {
				return nil, "/proc/stat: ctxt is no number"
			}
			return c, ""
		}
	}
	return nil, "/proc/stat has no ctxt"
}
