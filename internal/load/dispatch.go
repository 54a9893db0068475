package load

import "math"

// dispatch begins what is due and has a client, and returns when the loop has to wake up for the
// next request: in the closed loop, never.
func (l *loop) dispatch() int64 {
	// A request that fails at once may put its client at the end; the second failure backs off, so
	// this ends.
	for k := 0; k < len(l.todo); k++ {
		l.begin(l.todo[k], 0)
	}
	l.todo = l.todo[:0]
	if l.sched == nil {
		return math.MaxInt64
	}
	for l.freeN > 0 {
		due := l.schedStart + l.sched.next()
		if due >= l.end {
			return math.MaxInt64
		}
		if due > l.now {
			if l.now = l.clock(); due > l.now {
				return due
			}
		}
		i := l.popFree()
		l.sched.take()
		c := &l.clients[i]
		if c.freeAt > due {
			l.t.queued++
			l.t.queueMax = max(l.t.queueMax, c.freeAt-due)
		}
		ours := max(due, c.freeAt)
		l.t.lateness.Record(l.begin(i, due) - ours)
	}
	return math.MaxInt64
}

// stopSending ends the part of the phase in which requests are sent. Requests that are due, or
// begun, and of which no byte has left are counted.
func (l *loop) stopSending() {
	l.sending = false
	l.end = min(l.end, l.now)
	l.t.end = l.end
	l.todo = l.todo[:0]
	for i := range l.clients {
		c := &l.clients[i]
		if !c.pending || c.again {
			continue
		}
		c.pending = false
		since := c.openedAt
		if l.sched != nil {
			since = c.due
			// A closed loop has no time at which it was due: its end cut it short.
			l.t.latency.RecordAtLeast(l.end-since, 1)
		}
		l.t.unsent++
		l.t.oldestUnsent = max(l.t.oldestUnsent, l.end-since)
	}
	if l.sched != nil {
		if due := l.sched.next(); l.schedStart+due < l.end {
			l.t.oldestUnsent = max(l.t.oldestUnsent, l.end-(l.schedStart+due))
			l.t.unsent += l.sched.rest(l.end-l.schedStart, l.t.latency.RecordAtLeast)
		}
	}
}

func (l *loop) pushFree(i int32) {
	k := l.freeI + l.freeN
	if k >= len(l.free) {
		k -= len(l.free)
	}
	l.free[k] = i
	l.freeN++
}

func (l *loop) popFree() int32 {
	i := l.free[l.freeI]
	if l.freeI++; l.freeI == len(l.free) {
		l.freeI = 0
	}
	l.freeN--
	return i
}
