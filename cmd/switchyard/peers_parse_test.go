package main

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// perf pads a time to five places of seconds, a TID to five and a CPU to three: its lines look
// different on a machine that is up for less than 10,000 seconds, for more than a day, with more
// than 99,999 tasks or with a thousand CPUs.
func TestReadPerfEvents(t *testing.T) {
	switched := sighting{cpu: 1, peerKey: peerKey{what: "switch", task: 123, other: 4567890,
		voluntary: true}}
	for _, c := range []struct {
		line string
		want sighting
		time int64
	}{
		{"  123 [001]  3107.770000001: sched:sched_switch: prev_comm=a b prev_pid=123 prev_prio=120 prev_state=S ==> next_comm=] 1.2: next_pid=4567890 next_prio=-1",
			switched, 3107_770000001},
		{"  123 [001]     7.000000009: sched:sched_switch: prev_comm=a prev_pid=123 prev_prio=120 prev_state=S ==> next_comm=b next_pid=4567890 next_prio=120",
			switched, 7_000000009},
		{"  123 [001] 86400.000000009:       sched:sched_switch: prev_comm=a prev_pid=123 prev_prio=120 prev_state=S ==> next_comm=b next_pid=4567890 next_prio=120",
			switched, 86400_000000009},
		{"4567890 [1023] 12345678.123456789: sched:sched_waking: comm=a pid=9 prio=120 target_cpu=002",
			sighting{cpu: 1023, peerKey: peerKey{what: "waking", task: 9}}, 12345678_123456789},
		{"   -1 [000]     0.000000001: sched:sched_migrate_task: comm=a pid=9 prio=120 orig_cpu=1 dest_cpu=0",
			sighting{nobody: true, peerKey: peerKey{what: "migrate", task: 9}}, 1},
	} {
		const offset = 1000
		c.want.time = c.time + offset
		byCPU, lost, err := readPerfEvents(strings.NewReader(c.line+"\n"), offset)
		if got := slices.Concat(slices.Collect(maps.Values(byCPU))...); err != nil || lost ||
			len(got) != 1 || got[0] != c.want {
			t.Errorf("%q:\n%+v, lost %v, %v; want %+v", c.line, got, lost, err, c.want)
		}
	}
	for _, strange := range []string{"", "# no event\n", "  123 [001]  1.000000001: sched:sched_switch: what\n"} {
		if byCPU, _, err := readPerfEvents(strings.NewReader(strange), 0); err == nil {
			t.Errorf("%q: no error, and %v", strange, byCPU)
		}
	}
	_, lost, err := readPerfEvents(strings.NewReader(
		"  1 [000]     0.000000001: PERF_RECORD_LOST lost 7\n"+
			"   -1 [000]     0.000000001: sched:sched_migrate_task:"+
			" comm=a pid=9 prio=120 orig_cpu=1 dest_cpu=0\n"), 0)
	if err != nil || !lost {
		t.Errorf("a line of lost events: lost %v, %v", lost, err)
	}
}
