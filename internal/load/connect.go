package load

import "math"

const connectMax = 128 // handshakes under way at a time before the warm-up

// connect opens the ballast and, when connections are kept, the clients', before any load. It gives
// up waiting after ConnectTimeout.
func (l *loop) connect() {
	l.now = l.clock()
	l.end = math.MaxInt64
	deadline := l.now + int64(l.cfg.ConnectTimeout)
	nextIdler, nextClient := 0, 0
	if l.perConn > 0 {
		nextClient = len(l.clients)
	}
	l.sweep()
	for l.now < deadline && !l.stop.Load() {
		for nextIdler < len(l.idlers) && l.opening < connectMax {
			l.openIdler(nextIdler)
			nextIdler++
		}
		if nextIdler == len(l.idlers) && l.opening == 0 {
			for nextClient < len(l.clients) && l.connecting < connectMax {
				if l.clients[nextClient].state == closed {
					l.open(int32(nextClient))
				}
				nextClient++
			}
			if nextClient == len(l.clients) && l.connecting == 0 && l.waiting == 0 {
				break
			}
		}
		if l.now >= l.sweepAt {
			l.sweep()
		}
		l.turn(min(deadline, l.sweepAt))
	}
	for i := range l.idlers {
		if d := &l.idlers[i]; d.state == idlerOpening {
			l.idlerFailed(i, kConnectTimeout)
		}
	}
	l.openedAll += l.t.opened
}

// adopt gives the first connection, which Run made, its place.
func (l *loop) adopt(fd int) {
	if len(l.idlers) > 0 {
		l.idlers[0] = idler{fd: int32(fd), state: idlerOpen}
		l.watchIdler(0)
		return
	}
	l.attach(0, fd)
	c := &l.clients[0]
	c.state = ready
	l.t.opened++
	l.watch(0, false)
}
