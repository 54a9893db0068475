package sched

import (
	"fmt"
	"time"

	"switchyard/trace/event"
)

// sameClock is by how much two readings of one clock may seem to disagree: the programs' is read
// without a lock.
const sameClock = time.Millisecond

// checkWindow holds the window itself to what must be so. All other sums are right, too, when the
// window lies where nothing was recorded.
func (a *Analysis) checkWindow(r *Result) event.Check {
	length := a.w.Close - a.w.Open
	c := event.Check{Name: "window", Status: event.Pass, Traced: uint64(length),
		Kernel: uint64(length)}
	fail := func(format string, args ...any) event.Check {
		c.Status, c.Traced, c.Reason = event.Fail, 0, fmt.Sprintf(format, args...)
		return c
	}
	switch early, late := dur(a.walk.lastStart-a.w.Open), dur(a.w.Close-a.walk.firstEnd); {
	case length <= 0:
		return fail("it was closed when it opened")
	case a.walk.started > 0 && early > sameClock:
		return fail("the tasks were read %v after it opened, which was done before: the two are not of one clock",
			early)
	case a.walk.ended > 0 && late > sameClock:
		return fail("the tasks were read %v before it closed, which was done after: the two are not of one clock",
			late)
	case len(r.Tasks) == 0 && r.Tracer.Life == 0:
		return fail("none of the tasks to be traced was there")
	}
	return c
}
