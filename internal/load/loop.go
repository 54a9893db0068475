package load

import (
	"fmt"
	"math"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"switchyard/internal/sys"
)

// A loop is one epoll loop with its share of the clients. It runs on a locked thread and waits in
// the kernel; between two phases it waits for Run.
//
// All times are nanoseconds since base, read from the monotonic clock.
type loop struct {
	id      int
	cfg     *Config
	http    bool
	perConn int
	req     []byte
	dial    dialer
	base    time.Time
	stop    *atomic.Bool // end the phase at once

	epfd    int
	events  []unix.EpollEvent
	buf     []byte
	heads   headCache
	timeout int64 // Config.Timeout
	clients []client
	idlers  []idler

	now      int64 // the last reading of the clock
	lookedAt int64 // the events at hand were not ready before this
	polledAt int64 // when epoll was last asked
	sweepAt  int64 // when to look for what takes too long

	phase      int32
	sending    bool
	end        int64 // when sending stops, or stopped
	sched      *schedule
	schedStart int64
	inflight   int // requests sent and not answered
	connecting int // clients in that state
	waiting    int
	opening    int // idlers whose handshake is under way

	todo  []int32 // closed loop: clients to begin after this batch
	again []again
	free  []int32 // open loop: ring of clients with nothing to do, the longest idle first
	freeN int
	freeI int

	t         tally
	openedAll uint64
	noPwait2  bool
	err       error
}

// again is a connection that has more to read than its turn allowed.
type again struct {
	i, gen int32
	gone   bool
}

// An idler is one connection of the ballast.
type idler struct {
	fd    int32
	state idlerState
}

type idlerState uint8

const (
	idlerNone idlerState = iota
	idlerOpening
	idlerOpen
	idlerFailed
	idlerClosed // by the server
)

const (
	stopIndex  = -1  // Fd of the event that interrupts
	connectMax = 128 // handshakes under way at a time before the warm-up
	sweepEvery = 100_000_000
)

func newLoop(id int, cfg *Config, t Target, request []byte, d dialer, clients, idle int,
	base time.Time, stop *atomic.Bool, stopFD int) (*loop, error) {
	l := &loop{
		id: id, cfg: cfg, http: t.Protocol == HTTP, perConn: cfg.RequestsPerConn,
		req: request, dial: d, base: base, stop: stop, timeout: int64(cfg.Timeout),
		events:  make([]unix.EpollEvent, min(max(clients, 16), 1024)),
		buf:     make([]byte, 64<<10),
		clients: make([]client, clients),
		idlers:  make([]idler, idle),
		todo:    make([]int32, 0, clients),
		again:   make([]again, 0, clients),
		free:    make([]int32, clients),
	}
	for i := range l.clients {
		l.clients[i].fd = -1
	}
	for i := range l.idlers {
		l.idlers[i].fd = -1
	}
	l.t.reset()
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	l.epfd = fd
	if err := unix.EpollCtl(fd, unix.EPOLL_CTL_ADD, stopFD, &unix.EpollEvent{Events: unix.EPOLLIN |
		unix.EPOLLET, Fd: stopIndex}); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("epoll_ctl", err)
	}
	return l, nil
}

func (l *loop) clock() int64 { return int64(time.Since(l.base)) }

// broken keeps the first error that makes going on pointless.
func (l *loop) broken(err error) {
	if l.err == nil {
		l.err = err
	}
	l.stop.Store(true)
}

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

func (l *loop) openIdler(i int) {
	d := &l.idlers[i]
	if d.state != idlerNone {
		return
	}
	fd, e := l.dial.open()
	if e != 0 {
		l.idlerFailed(i, connectKind(e))
		return
	}
	d.fd, d.state = int32(fd), idlerOpening
	l.opening++
	l.watchIdler(i)
}

func (l *loop) watchIdler(i int) {
	ev := unix.EpollEvent{Events: watchOut, Fd: int32(len(l.clients) + i)}
	if err := unix.EpollCtl(l.epfd, unix.EPOLL_CTL_ADD, int(l.idlers[i].fd), &ev); err != nil {
		l.broken(fmt.Errorf("watch an idle connection: %w", err))
	}
}

func (l *loop) idlerFailed(i int, k kindID) {
	d := &l.idlers[i]
	if d.fd >= 0 {
		sys.RawClose(int(d.fd))
		d.fd = -1
	}
	if d.state == idlerOpening {
		l.opening--
	}
	d.state = idlerFailed
	l.t.errs[k]++
}

func (l *loop) handleIdler(i int, ev uint32) {
	d := &l.idlers[i]
	switch d.state {
	case idlerOpening:
		if ev&(unix.EPOLLOUT|unix.EPOLLHUP|unix.EPOLLERR) == 0 {
			return
		}
		if e := socketError(int(d.fd)); e != 0 {
			l.idlerFailed(i, connectKind(e))
			return
		}
		l.opening--
		d.state = idlerOpen
	case idlerOpen:
	default:
		return
	}
	if ev&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		sys.RawClose(int(d.fd))
		d.fd, d.state = -1, idlerClosed
		l.t.idleClosed++
	}
}

// A plan is one phase: when it starts and how long requests are sent.
type plan struct {
	start, length int64
	stream        uint64 // of the random numbers
}

// run sends load from p.start for p.length, then waits until everything that was sent is answered,
// at most for cfg.Drain. What it counted is in l.t.
func (l *loop) run(p plan) {
	l.phase++
	l.t.reset()
	l.t.carried = uint64(l.inflight)
	for i := range l.clients {
		l.clients[i].answered = 0
	}
	// At least once, and until nothing is left: connections that the server closed while this loop
	// waited must not get a request.
	for l.now = l.clock(); !l.stop.Load(); {
		if n := l.turn(p.start); n < len(l.events) && l.now >= p.start {
			break
		}
	}
	before := threadCost()
	l.end = p.start + p.length
	l.sending = true
	l.freeN, l.freeI = 0, 0
	if l.cfg.Rate > 0 {
		l.sched = newSchedule(l.cfg.Arrivals, l.cfg.Rate, l.id, l.cfg.Threads, l.cfg.Seed, p.stream)
		l.schedStart = p.start
	}
	l.now = l.clock()
	l.polledAt, l.lookedAt = l.now, l.now
	for i := range l.clients {
		if s := l.clients[i].state; s == closed || s == ready {
			l.release(int32(i))
			l.clients[i].freeAt = 0
		}
	}
	l.sweep()
	limit := int64(math.MaxInt64) // of the drain
	for {
		if l.sending && (l.now >= l.end || l.stop.Load()) {
			l.t.cost = threadCost().since(before)
			l.stopSending()
			limit = l.now + int64(l.cfg.Drain)
		}
		if !l.sending && (l.quiet() || l.now >= limit) {
			break
		}
		if l.now >= l.sweepAt {
			l.sweep()
		}
		wake := min(l.sweepAt, limit)
		if l.sending {
			wake = min(wake, l.end, l.dispatch())
		}
		l.turn(wake)
	}
	l.settle()
}

// quiet reports whether nothing of this phase is under way. Requests that were carried over are not
// waited for: the wait before this phase was in vain, too.
func (l *loop) quiet() bool {
	carried := int(l.t.carried - l.t.carriedAnswered)
	return l.inflight == carried && l.connecting == 0
}

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

// settle counts what is still outstanding.
func (l *loop) settle() {
	l.openedAll += l.t.opened
	for i := range l.clients {
		c := &l.clients[i]
		if c.answered == 0 {
			l.t.starved++
		}
		if !c.outstanding() || l.expire(int32(i)) {
			continue
		}
		if c.phase == l.phase {
			l.t.unfinished++
			l.t.latency.RecordAtLeast(l.now-c.from, 1)
		} else {
			l.t.carriedUnfinished++
		}
		l.t.oldest = max(l.t.oldest, l.now-c.from)
	}
}

// turn waits for events until wake at the latest, handles them and returns how many they were.
func (l *loop) turn(wake int64) int {
	if len(l.again) > 0 || len(l.todo) > 0 && l.sending {
		wake = l.now
	}
	n := l.wait(wake)
	for i := range n {
		ev := &l.events[i]
		switch k := int(ev.Fd); {
		case k >= len(l.clients):
			l.handleIdler(k-len(l.clients), ev.Events)
		case k >= 0:
			l.handle(ev.Fd, ev.Pad, ev.Events)
		}
	}
	if len(l.again) > 0 {
		l.readAgain()
	}
	return n
}

func (l *loop) readAgain() {
	n := len(l.again)
	for _, a := range l.again[:n] {
		if c := &l.clients[a.i]; c.gen == a.gen && c.state == busy {
			l.receive(a.i, a.gone)
		}
	}
	l.again = l.again[:copy(l.again, l.again[n:])]
}

// wait fills l.events. It looks first and blocks only if there is nothing: under load the look is
// enough, and it does not pass through the Go scheduler. l.lookedAt becomes a time before which the
// events were not ready: that of the last look that did not show them, or of the wake-up.
func (l *loop) wait(wake int64) int {
	n, e := sys.RawEpollPeek(l.epfd, l.events)
	l.now = l.clock()
	l.lookedAt, l.polledAt = l.polledAt, l.now
	if n > 0 && e == 0 {
		return n
	}
	ns := wake - l.now
	if l.sched != nil && l.sending {
		// Close to the time a request is due, polling stands in for sleep. What it burns is
		// counted, so as not to be taken for work.
		if ns -= int64(l.cfg.Spin); ns <= 0 && l.cfg.Spin > 0 {
			l.t.spun += l.now - l.lookedAt
		}
	}
	if ns <= 0 || e != 0 {
		return 0
	}
	n, e = l.block(ns)
	l.now = l.clock()
	l.lookedAt, l.polledAt = l.now, l.now
	if e != 0 {
		if e != unix.EINTR {
			l.broken(os.NewSyscallError("epoll_pwait2", e))
		}
		return 0
	}
	return n
}

func (l *loop) block(ns int64) (int, syscall.Errno) {
	if !l.noPwait2 {
		n, e := sys.EpollPwait2(l.epfd, l.events, ns)
		if e != unix.ENOSYS {
			return n, e
		}
		l.noPwait2 = true
	}
	// Before Linux 5.11: whole milliseconds, and a poll for what is left.
	n, err := unix.EpollWait(l.epfd, l.events, int(ns/1e6))
	if err != nil {
		return 0, errno(err)
	}
	return n, 0
}

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

const leastSweep = 1_000_000

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

// idle counts the ballast.
func (l *loop) idle() (open, failed, closedByServer int) {
	for _, d := range l.idlers {
		switch d.state {
		case idlerOpen:
			open++
		case idlerClosed:
			closedByServer++
		default:
			failed++
		}
	}
	return open, failed, closedByServer
}

// close closes every connection and the loop's own descriptor.
func (l *loop) close() {
	for i := range l.clients {
		l.hangUp(int32(i))
	}
	for i := range l.idlers {
		if d := &l.idlers[i]; d.fd >= 0 {
			sys.RawClose(int(d.fd))
			d.fd = -1
		}
	}
	sys.RawClose(l.epfd)
}
