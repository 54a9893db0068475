package trace

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"
)

// A window in which nobody was, and one that is not as long as what was in it, are no result that
// passes.
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
		counts := Counts{Window: c.window}
		counts.Total.Life = c.life
		k := counts.checkWindow(c.longest, 5*ms, c.tasks)
		if k.OK() != c.ok || !c.ok && k.Reason == "" {
			t.Errorf("%s: %+v", c.what, k)
		}
	}
}

// The first row of a walk tells whether the probes read the clock that the window's ends are taken
// from.
func TestSameClock(t *testing.T) {
	const hour = int64(time.Hour)
	for _, c := range []struct {
		row int64
		ok  bool
	}{{hour, true}, {hour + 5, true}, {hour + 11, true}, {hour - int64(100*time.Microsecond), true},
		{hour - int64(time.Second), false}, {2 * hour, false}} {
		row := binary.NativeEndian.AppendUint64(nil, uint64(c.row))
		if err := sameClock(row, hour, hour+10); (err == nil) != c.ok ||
			err != nil && !strings.Contains(err.Error(), "time namespace") {
			t.Errorf("read at %v: %v", time.Duration(c.row), err)
		}
	}
	if err := sameClock(nil, hour, hour); err != nil {
		t.Errorf("nobody there: %v", err)
	}
}
