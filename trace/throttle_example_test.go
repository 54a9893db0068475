package trace_test

import (
	"fmt"
	"log"
	"os"

	"switchyard/trace"
)

// Whether a limit on CPU time kept this process waiting while it worked. It needs no privilege; a
// machine whose cgroups cannot be seen says so.
func ExampleWatchThrottling() {
	w := trace.WatchThrottling(os.Getpid())
	sum := 0
	for i := range 1000 {
		sum += i
	}
	fmt.Println("worked:", sum)
	switch t, err := w.Read(); {
	case err != nil:
		log.Print(err)
	case t.Times == 0 && t.Time == 0:
		log.Printf("none of %d cgroups was throttled", t.Read)
	default:
		log.Printf("throttled in %d periods, for %v: %q", t.Times, t.Time, t.Cgroups)
	}
	// Output: worked: 499500
}
