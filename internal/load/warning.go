package load

import (
	"fmt"
	"strings"

	"switchyard/internal/words"
)

// busyShare is the part of its CPU from which on the generator may be what is measured.
const busyShare = 0.9

// warnings are the reasons to doubt r.
func (r *Result) warnings() []string {
	w := []string{}
	add := func(format string, a ...any) { w = append(w, fmt.Sprintf(format, a...)) }
	g := &r.Generator
	if g.Continued > 0 {
		add("the generator was told to go on %s, as after Ctrl-Z (SIGCONT): the time it was stopped is in the window, so that rates are too low and some latencies too long",
			words.Count(g.Continued, "time"))
	}
	if busy := g.CPUShare - g.SpinShare; busy >= busyShare {
		add("the generator was busy for %.0f %% of its CPU: it may be what was measured; more threads and CPUs for it would tell",
			100*busy)
	}
	if q := g.RunQueueUS / 1e6; r.Window.Seconds > 0 &&
		q >= 0.05*r.Window.Seconds*float64(r.Options.Threads) {
		add("the generator waited %.0f %% of the window for a CPU: something else, perhaps the server, runs on its CPUs",
			100*q/r.Window.Seconds/float64(r.Options.Threads))
	}
	if r.Options.Loop == "open" {
		if l := g.Lateness; l.Count > 0 && l.P50 >= 0.5*r.Latency.P50 && r.Latency.Count > 0 {
			add("half of the requests left %.0f µs or more after they were due though a client was free: that is %.0f %% of the median latency",
				l.P50, 100*l.P50/r.Latency.P50)
		}
		if r.Unsent.Requests > 0 && g.Continued == 0 {
			add("%d of the requests due in the window never left, the oldest waited %.0f ms: the server, or the number of clients, does not keep up with the rate",
				r.Unsent.Requests, r.Unsent.OldestUS/1e3)
		}
	}
	if n := r.Unfinished.Requests + r.Unfinished.FromWarmup; n > 0 {
		add("%s had no answer at the end, the oldest after %.0f ms", words.Count(n, "request"),
			r.Unfinished.OldestUS/1e3)
	}
	if q := r.Latency; q.Unanswered > 0 {
		add("lower bounds only, of requests that were never answered: %d of %d latencies, and so %s",
			q.Unanswered, q.Count+q.Unanswered, strings.Join(q.AtLeast.Keys(), ", "))
	}
	if r.Options.Loop == "closed" && r.Unsent.OldestUS > max(r.Latency.P99, 100e3) {
		add("%s waited for a connection when the window closed, the longest for %.0f ms: no request of theirs had left, and none is in the quantiles",
			words.Count(r.Unsent.Requests, "client"), r.Unsent.OldestUS/1e3)
	}
	if r.StarvedClients > 0 && r.Requests > 0 {
		add(
			"%d of %s had no good response in the window: the quantiles speak of the others",
			r.StarvedClients, words.Count(r.Options.Clients, "client"))
	}
	if r.CarriedOver.Requests > 0 {
		add("%s of the warm-up still outstanding when the window opened",
			words.Count(r.CarriedOver.Requests, "request"))
	}
	if r.Idle.Failed+r.Idle.ClosedByServer > 0 {
		add("idle connections: %d asked for, %d not opened, %d closed by the server",
			r.Idle.Asked, r.Idle.Failed, r.Idle.ClosedByServer)
	}
	if r.Requests == 0 {
		add("no request was answered well within the window")
	}
	return w
}
