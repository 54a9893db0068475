package load

// lost acts on the end of the connection on which the request of client i is outstanding.
//
// A server may close a connection that it keeps whenever it likes, and its closing and the next
// request may cross on the way. Where not one byte of the response came, and the connection had
// served a request before, the request is sent again on a new connection (RFC 9112, section 9.3.1:
// it is a GET). That is done once: what fails as the first request of a connection has failed.
func (l *loop) lost(i int32, k kindID, example string) {
	c := &l.clients[i]
	if !l.http || c.made < 2 || c.resp.begun() || k != kReset && k != kClosedEarly {
		l.fail(i, k, example)
		return
	}
	l.t.closedByServer++
	l.t.reconnects++
	l.hangUp(i)
	c.again, c.pending, c.lostBy = true, true, k
	l.open(i)
}

// expire gives up the request of client i when its time is over, and reports whether it was.
func (l *loop) expire(i int32) bool {
	c := &l.clients[i]
	if !c.outstanding() || l.now-c.sentAt <= l.timeout {
		return false
	}
	if c.state == connecting {
		l.connecting--
	}
	l.fail(i, kTimeout, "")
	return true
}

// fail books an error of the request client i has outstanding, and gives the connection up.
func (l *loop) fail(i int32, k kindID, example string) {
	c := &l.clients[i]
	l.inflight--
	c.again, c.pending = false, false
	if c.phase != l.phase {
		l.t.carriedAnswered++
	} else {
		if k == kTimeout {
			// It took at least so long, and may have taken for ever.
			l.t.latency.RecordAtLeast(min(l.now, c.sentAt+l.timeout)-c.from, 1)
		}
		l.t.failed++
		l.t.errs[k]++
		if l.t.examples[k] == "" {
			l.t.examples[k] = example
		}
	}
	l.hangUp(i)
	// One error may be a connection that had its time; more in a row are a server that should not
	// be hammered.
	if c.fails++; c.fails > 1 {
		l.backOff(c)
		return
	}
	l.release(i)
}

// connectFailed books a connection that could not be made. The client tries again later; a pending
// request stays pending, but for one that had been sent before: that has failed.
func (l *loop) connectFailed(i int32, k kindID) {
	c := &l.clients[i]
	l.t.errs[k]++
	if c.again {
		l.fail(i, c.lostBy, "")
		return
	}
	l.hangUp(i)
	c.fails++
	l.backOff(c)
}

const (
	firstBackOff = int64(10_000_000)
	lastBackOff  = int64(320_000_000)
)

func (l *loop) backOff(c *client) {
	c.state = waiting
	c.retryAt = l.now + min(firstBackOff<<min(c.fails-1, 8), lastBackOff)
	l.sweepAt = min(l.sweepAt, c.retryAt)
	l.waiting++
}
