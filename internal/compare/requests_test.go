package compare

import (
	"net"
	"testing"
	"time"

	"switchyard"
	"switchyard/internal/load"
	"switchyard/internal/proc"
	"switchyard/trace/event"
)

// Requests that are lost or counted twice are seen, those that were in flight
// are not held against a server, and one that is not through is not judged.
func TestRequestsCheck(t *testing.T) {
	var l load.Result
	l.Warmup.Answered, l.Requests, l.Drained, l.CarriedOver.Answered, l.Failed = 100, 1000, 3, 2, 1
	l.ErrorsByKind = []load.ErrorCount{{Kind: load.Status5xx, Count: 5}, {Kind: load.Timeout, Count: 7}}
	const clients, answered = 4, 1110
	for _, test := range []struct {
		served uint64
		idle   bool
		ok     bool
	}{
		{answered, true, true}, {answered + clients + 1, true, true}, {answered + clients + 2, true, false},
		{answered - clients - 1, true, true}, {answered - clients - 2, true, false}, {answered, false, false},
	} {
		var before, after Stats
		before.Counters.Requests, after.Counters.Requests = 7, 7+test.served
		k := requestsCheck(before, after, test.idle, &l, clients)
		available := k.Status != event.Unavailable
		if k.OK() != test.ok || available != test.idle || k.Traced != test.served || k.Kernel != answered || (k.Reason == "") != test.ok {
			t.Errorf("%d served, idle %v: %+v", test.served, test.idle, k)
		}
	}
}

// A server is not idle before it has had the connections it was sent, however quiet it is.
func TestIdle(t *testing.T) {
	cpus, err := proc.Allowed()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SWITCHYARD_TEST_PROGRAM", "switchyard")
	s, err := StartServer(t.Context(), ServerOptions{Model: "poll/epoll", Protocol: switchyard.Echo, CPUs: cpus})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Terminate(time.Second)
	if st, idle, err := s.Idle(t.Context(), 0); err != nil || !idle || st.Counters.Accepted != 0 {
		t.Errorf("at first: %+v, idle %v, %v", st, idle, err)
	}
	go func() {
		time.Sleep(50 * time.Millisecond) // no state: idle is to look a few times in vain
		if c, err := net.Dial("tcp", s.Address); err == nil {
			c.Close()
		}
	}()
	if st, idle, err := s.Idle(t.Context(), 1); err != nil || !idle || st.Counters.Accepted != 1 {
		t.Errorf("after one connection: %+v, idle %v, %v", st, idle, err)
	}
}
