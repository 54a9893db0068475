package trace

import (
	"testing"
	"time"

	"switchyard/trace/event"
)

// A window in which nobody was, and one that is not as long as what was in it, are no result that passes.
func TestCountWindow(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		what            string
		window, longest time.Duration
		life            time.Duration
		tasks           uint64
		ok              bool
	}{
		{"as it is", 100 * ms, 102 * ms, 150 * ms, 2, true},
		{"nobody", 100 * ms, 102 * ms, 0, 0, false},
		{"ends of two clocks", -7000 * time.Second, -7000 * time.Second, 150 * ms, 2, false},
		{"longer than anybody was in it", 200 * ms, 102 * ms, 150 * ms, 2, false},
		{"lives that have no room", 100 * ms, 102 * ms, 350 * ms, 2, false},
	} {
		k := (&Counts{Window: c.window, Total: Totals{Totals: event.Totals{Life: c.life}}}).checkWindow(c.longest, c.tasks)
		if k.OK() != c.ok || !c.ok && k.Reason == "" {
			t.Errorf("%s: %+v", c.what, k)
		}
	}
}
