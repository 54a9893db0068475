package serve

import (
	"fmt"
	"strings"
	"time"

	"switchyard"
)

// summarize is one line of what the server counted. What never happened is left out.
func summarize(c *switchyard.Counters, d time.Duration) string {
	s := fmt.Sprintf("served %s on %s in %.1f s", count(c.Requests.Load(), "request", "requests"),
		count(c.Accepted.Load(), "connection", "connections"), d.Seconds())
	var also []string
	for _, n := range []struct {
		n         uint64
		one, many string
	}{
		{c.Refused.Load(), "connection refused", "connections refused"},
		{c.Paused.Load(), "pause at a limit", "pauses at a limit"},
		{c.EmptyWake.Load(), "wake-up for nothing", "wake-ups for nothing"},
		{c.Forks.Load(), "fork", "forks"},
		{c.Threads.Load(), "thread", "threads"},
		{c.Crashed.Load(), "worker crashed", "workers crashed"},
		{c.Respawned.Load(), "worker started again", "workers started again"},
	} {
		if n.n > 0 {
			also = append(also, count(n.n, n.one, n.many))
		}
	}
	if len(also) == 0 {
		return s
	}
	return s + "; " + strings.Join(also, ", ")
}

// count is a number and what it is a number of.
func count(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
