package serve

import (
	"fmt"
	"strings"
	"time"

	"switchyard"
	"switchyard/internal/words"
)

// summarize is one line of what the server counted. What never happened is left out.
func summarize(c *switchyard.Counters, d time.Duration) string {
	s := fmt.Sprintf("served %s on %s in %.1f s", words.Count(c.Requests.Load(), "request"),
		words.Count(c.Accepted.Load(), "connection"), d.Seconds())
	var also []string
	for _, n := range []struct {
		n          uint64
		noun, rest string
	}{
		{c.Refused.Load(), "connection", " refused"},
		{c.Paused.Load(), "pause", " at a limit"},
		{c.EmptyWake.Load(), "wake-up", " for nothing"},
		{c.Forks.Load(), "fork", ""},
		{c.Threads.Load(), "thread", ""},
		{c.Crashed.Load(), "worker", " crashed"},
		{c.Respawned.Load(), "worker", " started again"},
	} {
		if n.n > 0 {
			also = append(also, words.Count(n.n, n.noun)+n.rest)
		}
	}
	if len(also) == 0 {
		return s
	}
	return s + "; " + strings.Join(also, ", ")
}
