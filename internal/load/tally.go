package load

import "switchyard/internal/stats"

// A tally is what one loop counts in one phase. Times are nanoseconds.
type tally struct {
	sent     uint64 // requests of which a byte was handed to the kernel
	requests uint64 // good responses before the phase's end
	drained  uint64 // good responses after it
	failed   uint64 // sent, then an error
	errs     [kinds]uint64
	examples [kinds]string

	carried         uint64 // outstanding when the phase began
	carriedAnswered uint64 // of those, answered or failed during it

	unfinished        uint64 // sent in this phase, outstanding at the end of the drain
	carriedUnfinished uint64 // carried, and still outstanding
	oldest            int64  // age of the oldest of both

	unsent       uint64 // due or begun, but not one byte left
	oldestUnsent int64

	queued   uint64 // open loop: requests that waited for a free client
	queueMax int64

	bytesIn, bytesOut uint64
	opened            uint64 // connections established
	closedByServer    uint64 // connections the server closed between requests
	reconnects        uint64 // requests sent again, on a new connection
	idleClosed        uint64

	spun int64 // open loop: time between two looks at epoll that showed nothing

	starved int // clients without one good response

	latency, connect, lateness *stats.Latencies

	end  int64 // when sending stopped
	cost cost
}

// reset makes t empty; histograms are kept.
func (t *tally) reset() {
	l, c, a := t.latency, t.connect, t.lateness
	if l == nil {
		l, c, a = stats.NewLatencies(), stats.NewLatencies(), stats.NewLatencies()
	} else {
		l.Reset()
		c.Reset()
		a.Reset()
	}
	*t = tally{latency: l, connect: c, lateness: a}
}

// add merges u into t.
func (t *tally) add(u *tally) {
	t.sent += u.sent
	t.requests += u.requests
	t.drained += u.drained
	t.failed += u.failed
	for k := range u.errs {
		t.errs[k] += u.errs[k]
		if t.examples[k] == "" {
			t.examples[k] = u.examples[k]
		}
	}
	t.carried += u.carried
	t.carriedAnswered += u.carriedAnswered
	t.unfinished += u.unfinished
	t.carriedUnfinished += u.carriedUnfinished
	t.oldest = max(t.oldest, u.oldest)
	t.unsent += u.unsent
	t.oldestUnsent = max(t.oldestUnsent, u.oldestUnsent)
	t.queued += u.queued
	t.queueMax = max(t.queueMax, u.queueMax)
	t.bytesIn += u.bytesIn
	t.bytesOut += u.bytesOut
	t.opened += u.opened
	t.closedByServer += u.closedByServer
	t.reconnects += u.reconnects
	t.idleClosed += u.idleClosed
	t.spun += u.spun
	t.starved += u.starved
	t.latency.Merge(u.latency)
	t.connect.Merge(u.connect)
	t.lateness.Merge(u.lateness)
	t.end = max(t.end, u.end)
	t.cost.add(u.cost)
}

// answered is Result.Answered of one phase, and what it answered of the phase before.
func (t *tally) answered() uint64 {
	n := t.requests + t.drained + t.carriedAnswered
	for k, e := range t.errs {
		if kindNames[k].answer() {
			n += e
		}
	}
	return n
}

func (t *tally) errors() (n uint64) {
	for _, e := range t.errs {
		n += e
	}
	return n
}
