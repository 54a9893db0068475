package load

import (
	"math"
	"os"
	"sync/atomic"
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

const stopIndex = -1 // Fd of the event that interrupts

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
