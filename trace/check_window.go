package trace

import (
	"fmt"
	"time"

	"switchyard/trace/event"
)

// checkWindow holds the window itself to what must be so: all other sums are right, too, when
// nothing was counted, or when its ends are not of the clock by which tasks were counted. Longest
// is the time from when the first task came into the window until the last one left it, tasks how
// many there were. Walks is how long it took to read them at both ends: a task is read at some time
// in that, and when is noted at another.
func (c *Counts) checkWindow(longest, walks time.Duration, tasks uint64) event.Check {
	k := event.Check{Name: "window", Status: event.Pass, Traced: uint64(c.Total.Life),
		Kernel: uint64(c.Total.Life)}
	fail := func(format string, args ...any) event.Check {
		k.Status, k.Kernel, k.Reason = event.Fail, uint64(max(longest, 0)),
			fmt.Sprintf(format, args...)
		return k
	}
	switch {
	case tasks == 0:
		return fail("none of the tasks to be traced was there")
	case c.Window <= 0 || c.Window > longest:
		return fail("it is %v long, and tasks were in it for %v", c.Window, longest)
	case c.Total.Life > (longest+walks)*time.Duration(tasks):
		return fail("%d tasks lived for %v in %v", tasks, c.Total.Life, longest)
	}
	return k
}
