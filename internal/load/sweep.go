package load

// sweep looks for requests and handshakes that took too long, and for clients whose back-off is
// over, and decides when to look again: when the first of those there are is over, or one that may
// begin meanwhile. What is found late is no later for it: times are compared, not looks.
func (l *loop) sweep() {
	connect := int64(l.cfg.ConnectTimeout)
	next := l.now + min(sweepEvery, l.timeout, connect)
	for i := range l.clients {
		c := &l.clients[i]
		if l.expire(int32(i)) {
			continue
		}
		if c.outstanding() {
			next = min(next, c.sentAt+l.timeout)
		}
		switch c.state {
		case connecting:
			if l.now-c.openedAt > connect {
				l.connecting--
				l.connectFailed(int32(i), kConnectTimeout)
			} else {
				next = min(next, c.openedAt+connect)
			}
		case waiting:
			if l.now < c.retryAt {
				next = min(next, c.retryAt)
				break
			}
			l.waiting--
			c.state = closed
			switch {
			case c.pending || l.phase == 0:
				l.open(int32(i))
			default:
				l.release(int32(i))
			}
		}
	}
	// Looking costs a few nanoseconds a client: of one thread's time at most a few hundredths.
	l.sweepAt = max(next+1, l.now+leastSweep+200*int64(len(l.clients)))
}

const (
	sweepEvery = 100_000_000
	leastSweep = 1_000_000
)
