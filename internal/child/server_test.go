package child

import (
	"net"
	"testing"
	"time"

	"switchyard"
	"switchyard/internal/proc"
)

// A server is not idle before it has had the connections it was sent, however quiet it is.
func TestIdle(t *testing.T) {
	cpus, err := proc.Allowed()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SWITCHYARD_TEST_PROGRAM", "switchyard")
	s, err := StartServer(t.Context(), ServerOptions{Model: "poll/epoll", CPUs: cpus,
		Server: switchyard.Options{Protocol: switchyard.Echo}})
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
