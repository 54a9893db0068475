package compare

import (
	"testing"

	"switchyard/internal/child"
	"switchyard/internal/load"
	"switchyard/trace/event"
)

// Requests that are lost or counted twice are seen, those that were in flight are not held against
// a server, and one that is not through is not judged.
func TestRequestsCheck(t *testing.T) {
	var l load.Result
	l.Warmup.Answered, l.Requests, l.Drained, l.CarriedOver.Answered, l.Failed = 100, 1000, 3, 2, 1
	l.ErrorsByKind = []load.ErrorCount{{Kind: load.Status5xx, Count: 5},
		{Kind: load.Timeout, Count: 7}}
	const clients, answered = 4, 1110
	for _, test := range []struct {
		served uint64
		idle   bool
		ok     bool
	}{
		{answered, true, true}, {answered, false, false},
		{answered + clients + 1, true, true}, {answered + clients + 2, true, false},
		{answered - clients - 1, true, true}, {answered - clients - 2, true, false},
	} {
		var before, after child.Stats
		before.Counters.Requests, after.Counters.Requests = 7, 7+test.served
		k := requestsCheck(before, after, test.idle, &l, clients)
		available := k.Status != event.Unavailable
		if k.OK() != test.ok || available != test.idle || k.Traced != test.served ||
			k.Kernel != answered || (k.Reason == "") != test.ok {
			t.Errorf("%d served, idle %v: %+v", test.served, test.idle, k)
		}
	}
}
