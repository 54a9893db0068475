package compare

import (
	"context"
	"fmt"
	"time"

	"switchyard/internal/load"
	"switchyard/internal/report"
	"switchyard/trace/event"
)

// Idle waits until the server has no connection open and has had so many, so that
// all it has answered is counted (a server counts the requests of a connection
// when that closes), and returns its counters. A connection its client has closed
// may still be waiting for a process to be made for it. It does not wait long: the
// second result is false when some connection stays.
func (s *Server) Idle(ctx context.Context, accepted int) (st Stats, idle bool, err error) {
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		st, err = s.Stats(ctx)
		idle = err == nil && st.Counters.Active == 0 && st.Counters.Accepted >= uint64(accepted)
		if err != nil || idle || time.Now().After(deadline) {
			return st, idle, err
		}
	}
}

// requestsCheck holds what the server says it answered against what the clients
// say they were answered, warm-up and stragglers included. What a client had no
// answer to when its time was up, one request at most, or gave up on before, the
// server may have answered or not.
func requestsCheck(before, after Stats, idle bool, l *load.Result, clients int) event.Check {
	k := event.Check{
		Name: report.RequestsCheck, Status: event.Pass,
		Traced: after.Counters.Requests - before.Counters.Requests,
		Kernel: l.Warmup.Answered + l.Answered() + l.CarriedOver.Answered,
	}
	if !idle {
		k.Status = event.Unavailable
		k.Reason = "connections stayed open before the load or after it, and the server counts " +
			"requests when they close"
		return k
	}
	// A request that was sent again may have been answered twice.
	doubtful := uint64(clients) + l.Failed + l.Warmup.Errors + l.Connections.Reconnects
	if max(k.Traced, k.Kernel)-min(k.Traced, k.Kernel) > doubtful {
		k.Status = event.Fail
		k.Reason = fmt.Sprintf("at most %d requests are in doubt", doubtful)
	}
	return k
}
