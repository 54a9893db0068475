package fork

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"switchyard"
	"switchyard/internal/sys"
)

// places are those of the workers of a pool: which run, and when those that do not are due to be
// started.
type places []place

// A place is where one worker runs, after the other.
type place struct {
	running bool
	before  bool // a worker has run here before
	due     time.Time
	hasty   int // workers in a row that died at once
}

const (
	// hastyLife is how long a worker must live not to count as dead at once.
	hastyLife = 100 * time.Millisecond
	// firstBackoff and lastBackoff bound the time until a worker is started in the place of one
	// that died at once; it doubles each time.
	firstBackoff = 10 * time.Millisecond
	lastBackoff  = time.Second
)

// died takes note of a worker that died.
func (p *place) died(started, now time.Time) {
	p.running = false
	if now.Sub(started) >= hastyLife {
		p.hasty, p.due = 0, now
		return
	}
	p.due = now.Add(min(firstBackoff<<min(p.hasty, 10), lastBackoff))
	p.hasty++
}

// died takes note of the workers that died.
func (r places) died(list []child) {
	for _, c := range list {
		r[c.slot].died(c.started, time.Now())
	}
}

// startDue starts every worker that is due and returns how long it is until the next one is,
// negative for never.
func (s *server) startDue(r places, spawn func(i int) syscall.Errno) (time.Duration, error) {
	next := time.Duration(-1)
	for i := range r {
		p := &r[i]
		if p.running {
			continue
		}
		if wait := time.Until(p.due); wait > 0 {
			if next < 0 || wait < next {
				next = wait
			}
			continue
		}
		if s.finished() {
			return 0, nil
		}
		s.template.name = [16]byte{}
		copy(s.template.name[:15], "sy-work/"+strconv.Itoa(i))
		switch e := spawn(i); {
		case e == 0:
			p.running = true
			if p.before {
				s.counters.Respawned.Add(1)
			}
			p.before = true
		case isShortage(e):
			s.notePause()
			p.due = time.Now().Add(switchyard.Pause)
			if next < 0 || switchyard.Pause < next {
				next = switchyard.Pause
			}
		default:
			return 0, fmt.Errorf("start worker %d: %w", i, os.NewSyscallError("clone", e))
		}
	}
	return next, nil
}

// pool runs a design with workers that accept by themselves: it starts them and replaces those that
// die. spawn forks the worker of a slot.
func (s *server) pool(spawn func(i int) syscall.Errno) error {
	r := make(places, s.slots)
	s.listening.Store(true)
	serving := false
	for !s.stopping.Load() {
		r.died(s.takeDead())
		if e := syscall.Errno(s.failure.Load()); e != 0 {
			return s.acceptFailed(e) // so would the next worker's accept
		}
		next, err := s.startDue(r, spawn)
		if err != nil {
			return err
		}
		if !serving && s.children.count.Load() > 0 {
			serving = true
			close(s.ready)
		}
		s.events.wait(next)
	}
	return nil
}

// newPool makes a server whose workers accept by themselves, from listeners listening sockets.
// spawn is called on the thread that forks.
func newPool(opts switchyard.Options, listeners int, c sys.ListenConfig,
	spawn func(s *server, i int) syscall.Errno) (*server, error) {
	d := design{
		thread:    "sy-fork",
		slots:     opts.PoolWorkers(),
		accepters: opts.PoolWorkers(),
		run: func(s *server) error {
			return s.pool(func(i int) syscall.Errno { return spawn(s, i) })
		},
	}
	return listen(d, opts, listeners, c)
}
