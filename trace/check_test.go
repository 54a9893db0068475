package trace

import (
	"testing"
	"time"

	"switchyard/trace/event"
)

// TestSumExec holds the check to windows as they were measured, and to ones it must not let pass.
func TestSumExec(t *testing.T) {
	const ms = time.Millisecond
	for _, test := range []struct {
		name           string
		onCPU, cpu     time.Duration
		switches, lazy uint64
		waking         time.Duration // each of the wake-up latencies, one a switch
		want           event.Status
	}{
		{"a pool that is busy", 800 * ms, 802 * ms, 45430, 153, 258 * time.Microsecond, event.Pass},
		{"each wake-up finds the CPU idle", 287 * ms, 389 * ms, 12754, 12721, 28 * time.Microsecond,
			event.Pass},
		{"a third too much on the CPU", 1100 * ms, 800 * ms, 45430, 153, 258 * time.Microsecond,
			event.Fail},
		{"more than waking explains", 287 * ms, 700 * ms, 12754, 12721, 28 * time.Microsecond,
			event.Fail},
		{"no wake-ups, and less on the CPU", 100 * ms, 300 * ms, 10, 0, 0, event.Fail},
	} {
		var c Counts
		c.Total.OnCPU, c.Total.CPU = test.onCPU, test.cpu
		c.Total.Switches.Voluntary, c.Total.Switches.Lazy = test.switches, test.lazy
		for range test.switches {
			c.WakeupLatency.Add(test.waking)
		}
		c.check(&[bpfCountCOUNTS]uint64{}, 1, 1, &bpfWindow{}, nil)
		k := c.Checks[len(c.Checks)-1]
		if k.Name != "sum_exec_runtime" || k.Status != test.want {
			t.Errorf("%s: %+v, want %s", test.name, k, test.want)
		}
	}
}
