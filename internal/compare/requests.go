package compare

import (
	"switchyard/internal/child"
	"switchyard/internal/load"
	"switchyard/internal/rounds"
	"switchyard/internal/words"
	"switchyard/trace/event"
)

// requestsCheck holds what the server says it answered against what the clients say they were
// answered, warm-up and stragglers included. What a client had no answer to when its time was up,
// one request at most, or gave up on before, the server may have answered or not.
func requestsCheck(before, after child.Stats, idle bool, l *load.Result, clients int) event.Check {
	k := event.Check{
		Name: rounds.RequestsCheck, Status: event.Pass,
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
		k.Reason = "in doubt: at most " + words.Count(doubtful, "request")
	}
	return k
}
