package load

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"switchyard/internal/sys"
)

// Run puts the load that cfg describes on its target and returns what the clients saw.
//
// It resolves the target once, makes one connection to see that there is something, opens the idle
// ballast and (unless connections are churned) the clients' connections, warms up, waits until
// nothing is outstanding, calls BeforeMeasure, opens the window, waits again, calls AfterMeasure
// and closes everything: when it returns, no descriptor, goroutine or thread of it is left.
//
// Cancelling ctx ends the run early; the result up to then is returned, marked interrupted, with no
// error. Errors that come from what was asked wrap ErrUsage; a target to which no connection can be
// made is an error too. Requests that fail are no error of Run: they are in the result.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	target, err := Parse(cfg.Target)
	if err != nil {
		return nil, err
	}
	if err := raiseFileLimit(cfg.Clients + cfg.Idle); err != nil {
		return nil, err
	}
	addrs, err := target.resolve(ctx)
	if err != nil {
		return nil, err
	}
	fd, addr, dial, err := first(ctx, addrs, len(target.request(cfg.EchoBytes)), cfg.ConnectTimeout)
	if err != nil {
		return nil, err
	}
	r := &runner{cfg: cfg, target: target, addr: addr, base: time.Now()}
	return r.run(ctx, fd, dial)
}

// A runner is one Run: it owns the loops and tells them what to do.
type runner struct {
	cfg    Config
	target Target
	addr   netip.AddrPort
	base   time.Time
	stop   atomic.Bool
	loops  []*loop
	work   []chan func(*loop)
	done   chan struct{}
	// how often this process was told to go on in the window
	continued uint64
}

func (r *runner) run(ctx context.Context, firstFD int, d dialer) (*Result, error) {
	stopFD, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		sys.RawClose(firstFD)
		return nil, os.NewSyscallError("eventfd", err)
	}
	defer unix.Close(stopFD)
	n := r.cfg.Threads
	r.done = make(chan struct{}, n)
	request := r.target.request(r.cfg.EchoBytes)
	for i := range n {
		l, err := newLoop(i, &r.cfg, r.target, request, d, share(r.cfg.Clients, i, n),
			share(r.cfg.Idle, i, n), r.base, &r.stop, stopFD)
		if err != nil {
			sys.RawClose(firstFD)
			for _, l := range r.loops {
				l.close()
			}
			return nil, fmt.Errorf("start loop %d: %w", i, err)
		}
		// A Sockaddr keeps the raw form it was last used as: one for each.
		if l.dial, err = newDialer(r.addr, len(l.req)); err != nil {
			l.broken(err)
		}
		r.loops = append(r.loops, l)
	}
	r.loops[0].adopt(firstFD)

	var threads []<-chan struct{}
	for i, l := range r.loops {
		work := make(chan func(*loop))
		r.work = append(r.work, work)
		threads = append(threads, sys.Thread(fmt.Sprintf("sy-load/%d", i), func() {
			// Timers of this thread fire when they are due, not up to 50 µs later. The thread, and
			// with it the setting, ends with the run.
			_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
			for f := range work {
				f(l)
				r.done <- struct{}{}
			}
		}))
	}
	quit := context.AfterFunc(ctx, func() {
		r.stop.Store(true)
		_, _ = unix.Write(stopFD, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	})
	res, err := r.phases()
	quit()
	r.each((*loop).close)
	for i := range r.work {
		close(r.work[i])
		<-threads[i]
	}
	return res, err
}

// share is the part of n that loop i of loops has.
func share(n, i, loops int) int {
	s := n / loops
	if i < n%loops {
		s++
	}
	return s
}

// each has every loop do f, on its own thread, and waits.
func (r *runner) each(f func(*loop)) {
	for _, w := range r.work {
		w <- f
	}
	for range r.work {
		<-r.done
	}
}

// startDelay is how far ahead a phase starts, so that every loop is there.
const startDelay = 200 * time.Microsecond

func (r *runner) phase(length time.Duration, stream uint64) (start int64) {
	start = int64(time.Since(r.base) + startDelay)
	r.each(func(l *loop) { l.run(plan{start: start, length: int64(length), stream: stream}) })
	return start
}

func (r *runner) broken() error {
	for _, l := range r.loops {
		if l.err != nil {
			return l.err
		}
	}
	return nil
}

func (r *runner) phases() (*Result, error) {
	res := &Result{Schema: Schema}
	r.each((*loop).connect)
	for _, l := range r.loops {
		res.Connections.FailedBefore += l.t.errors()
	}
	var warm Warmup
	if r.cfg.Warmup > 0 && !r.stop.Load() {
		r.phase(r.cfg.Warmup, 0)
		for _, l := range r.loops {
			warm.Errors += l.t.errors()
			warm.Answered += l.t.answered()
		}
	}
	if err := r.broken(); err != nil {
		return nil, err
	}
	opened := !r.stop.Load()
	if opened && r.cfg.BeforeMeasure != nil {
		if err := r.cfg.BeforeMeasure(); err != nil {
			return nil, fmt.Errorf("before the measured window: %w", err)
		}
	}
	continued := r.cfg.continued()
	wall, boot := time.Now(), sys.Boottime()
	began := int64(time.Since(r.base))
	start := r.phase(r.cfg.Duration, 1)
	var after error
	if opened && r.cfg.AfterMeasure != nil {
		if err := r.cfg.AfterMeasure(); err != nil {
			after = fmt.Errorf("after the measured window: %w", err)
		}
	}
	if err := r.broken(); err != nil {
		return nil, errors.Join(err, after)
	}
	t := &r.loops[0].t
	for _, l := range r.loops[1:] {
		t.add(&l.t)
	}
	res.Warmup = warm
	r.continued = r.cfg.continued() - continued
	r.fill(res, t, start, wall.Add(time.Duration(start-began)), boot+start-began)
	return res, after
}
