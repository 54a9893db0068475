package poll

import "switchyard/internal/sys"

// turns is what decides how long a loop waits and what it does when it has waited, whatever it
// waits with.
type turns struct {
	live     int   // connections open
	paused   bool  // nothing is accepted before resumeAt
	resumeAt int64 // by server.now, as all times here
	drains   bool
	// due is how many connections are still to be accepted in a drain: those that waited when it
	// began.
	due     int
	leaving lingerers
}

// connections is what the end of a turn does to those of a loop.
type connections interface {
	// resume ends a pause, unless its reason stands.
	resume()
	// drain closes the connections on which no request has begun.
	drain()
	// unlisten accepts no more at all.
	unlisten()
	// expire closes a connection that has lingered long enough, unless it is gone and another has
	// its place.
	expire(id int32, serial uint32)
}

// timeout is how long the next wait may block, in nanoseconds: for ever when there is nothing to do
// at a certain time.
func (b *base) timeout() int64 {
	at := int64(-1)
	if b.paused {
		at = b.resumeAt
	}
	if !b.leaving.empty() {
		at = earlier(at, b.leaving.first())
	}
	if b.drains {
		at = earlier(at, b.srv.cutoff.Load())
	}
	if at < 0 {
		return -1
	}
	return max(0, at-b.srv.now())
}

// earlier is the earlier of two times, -1 being never.
func earlier(a, b int64) int64 {
	if a < 0 {
		return b
	}
	return min(a, b)
}

// endTurn does what is due now and reports whether the loop goes on.
func (b *base) endTurn(c connections) bool {
	if b.srv.stage.Load() != serving {
		if b.cut() {
			return false
		}
		if !b.drains {
			b.drains = true
			b.due = b.queued()
			c.drain()
		}
		if b.listener != nil && (b.due <= 0 || b.queued() == 0) {
			c.unlisten()
			if b.listener == nil && !b.srv.design.reusePort {
				// Other loops with the same listener wait for it.
				b.srv.interrupt()
			}
		}
	}
	if b.paused || !b.leaving.empty() {
		now := b.srv.now()
		if b.paused && now >= b.resumeAt {
			c.resume()
		}
		for !b.leaving.empty() && b.leaving.first() <= now {
			c.expire(b.leaving.pop())
		}
	}
	return !b.drains || b.live > 0 || b.listener != nil
}

// queued is how many connections wait to be accepted.
func (b *base) queued() int {
	if b.listener == nil {
		return 0
	}
	return sys.Queued(b.listener.fd)
}
