package trace

import (
	"bytes"
	"os"
	"strconv"
)

// A ctxt is the number of switches on all CPUs since boot, as /proc/stat tells it, and when it was read: somewhere between
// the two times (ns of CLOCK_BOOTTIME). Switches that happened in between may be in it or not.
type ctxt struct {
	Before   int64  `json:"before"`
	After    int64  `json:"after"`
	Switches uint64 `json:"switches"`
}

// readCtxt returns it, or why it cannot.
func readCtxt() (*ctxt, string) {
	c := &ctxt{Before: Boottime()}
	b, err := os.ReadFile("/proc/stat")
	c.After = Boottime()
	if err != nil {
		return nil, err.Error()
	}
	for line := range bytes.Lines(b) {
		if n, ok := bytes.CutPrefix(line, []byte("ctxt ")); ok {
			c.Switches, err = strconv.ParseUint(string(bytes.TrimSpace(n)), 10, 64)
			if err != nil {
				return nil, "/proc/stat: ctxt is no number"
			}
			return c, ""
		}
	}
	return nil, "/proc/stat has no ctxt"
}
