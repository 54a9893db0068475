package fork

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
)

// have is nil when a forked child can run in this program.
func have() error {
	if raceEnabled {
		return fmt.Errorf("built with -race, whose detector a forked child cannot call (build without it): %w",
			errors.ErrUnsupported)
	}
	if flags := unoptimised(); flags != "" {
		return fmt.Errorf("built with -gcflags %q: a forked child needs inlined code (build without them): %w",
			flags, errors.ErrUnsupported)
	}
	return nil
}

// unoptimised is the compiler flags this program was built with, if they turn off optimisation (-N)
// or inlining (-l); otherwise nothing.
var unoptimised = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key != "-gcflags" {
			continue
		}
		_, flags, found := strings.Cut(s.Value, "=")
		if !found {
			flags = s.Value
		}
		for _, f := range strings.Fields(flags) {
			if f == "-N" || f == "-l" {
				return s.Value
			}
		}
	}
	return ""
})
