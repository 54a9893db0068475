package trace

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"switchyard/internal/bpf"
	"switchyard/internal/sys"
)

// Start opens a window: what happens until Stop is counted. Each task's part begins at its own
// reading, all of them within the time Start takes.
func (s *Session) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return fmt.Errorf("trace: start: %w", os.ErrClosed)
	case s.running:
		return errors.New("trace: start: a window is open already: stop it first")
	}
	start := time.Now()
	s.lastUsed++
	if s.lastUsed == 0 {
		s.lastUsed = 1
	}
	epoch := s.lastUsed

	if s.unquiet {
		waitForPrograms()
		s.unquiet = false
	}
	if err := s.emptyPlaces(); err != nil {
		return bpf.Explain("start", err)
	}
	// The two slots are used in turn: a probe still busy with the last window cannot spoil this
	// one.
	n, err := ebpf.PossibleCPU()
	if err != nil {
		return bpf.Explain("start", err)
	}
	if err := s.objs.base.Maps[bpfMapWindows].Put(epoch&1, make([]bpfWindow, n)); err != nil {
		return bpf.Explain("start", err)
	}
	if s.first, err = s.readProbes(); err != nil {
		return bpf.Explain("start", err)
	}
	s.misses = s.readMisses()
	s.stat = readStat()
	s.throttle = watch(s.everyone, s.pids)
	s.set("Closing", 0)
	s.set("Rows", 0)
	s.set("Epoch", epoch)
	s.began = span{}
	if s.opened, err = s.open(); err != nil {
		s.set("Epoch", 0)
		return bpf.Explain("start", err)
	}
	s.running, s.unquiet = true, true
	s.epoch = epoch
	s.began.middle()
	s.opening = time.Since(start)
	return nil
}

// patience bounds how often a walk is repeated for a task that does not stand still.
const patience = 100

// open walks until every traced task is in the window.
func (s *Session) open() (opened uint64, err error) {
	defer s.set("Force", 0)
	for i := range patience {
		if i == patience-1 {
			s.set("Force", 1)
		}
		w, err := s.walk(bpfWalkModeWALK_OPEN)
		if err != nil {
			return opened, err
		}
		s.lost += w.LostAlloc
		opened += w.Found
		if !s.running {
			s.began.add(&w)
		}
		if w.Found == 0 && w.Unsteady == 0 {
			break
		}
		if w.Found == 0 {
			time.Sleep(100 * time.Microsecond)
		}
	}
	return opened, nil
}

// A span is the time in which tasks were read, by the programs' clock (CLOCK_MONOTONIC): the tracer
// itself may have to wait for a CPU before and after.
type span struct{ first, last time.Duration }

func (p *span) add(w *bpfWalk) {
	if w.Found == 0 {
		return
	}
	if p.first == 0 {
		p.first = time.Duration(w.First)
	}
	p.last = time.Duration(w.Last)
}

// middle returns the span's middle; now, if no task was read.
func (p *span) middle() time.Duration {
	if p.first == 0 {
		p.first = time.Duration(sys.Monotonic())
		p.last = p.first
	}
	return p.first + (p.last-p.first)/2
}

// Stop closes the window and returns what was counted in it. The tasks stay followed.
func (s *Session) Stop() (*Counts, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, fmt.Errorf("trace: stop: %w", os.ErrClosed)
	case !s.running:
		return nil, errors.New("trace: stop: no window is open: start one first")
	}
	s.running = false
	begin := time.Now()
	s.set("Closing", 1)
	defer s.set("Force", 0)
	var err error

	// Until every task that came into the window has left it, by a walk or by its own end.
	var closed uint64
	var ended span
	var sum [bpfCountCOUNTS]uint64
	var kernel bpfWindow
	waited := false
	for i := range patience {
		if i == patience-1 {
			s.set("Force", 1)
		}
		w, err := s.walk(bpfWalkModeWALK_CLOSE)
		if err != nil {
			s.set("Epoch", 0)
			return nil, bpf.Explain("stop", err)
		}
		closed += w.Found
		ended.add(&w)
		for i, n := range w.Sum {
			sum[i] += n
		}
		if kernel, err = s.readWindow(s.epoch); err != nil {
			return nil, bpf.Explain("stop", err)
		}
		if w.Unsteady > 0 || s.opened+kernel.Born != kernel.Died+closed {
			time.Sleep(100 * time.Microsecond)
			continue
		}
		if waited {
			s.unquiet = false
			break
		}
		// A program that found the window open may still be on its way to count a new task in.
		waitForPrograms()
		waited = true
	}
	s.set("Epoch", 0)

	// Once more: what was counted while the walk went on.
	if kernel, err = s.readWindow(s.epoch); err != nil {
		return nil, bpf.Explain("stop", err)
	}
	c, latencies, err := s.counts(&sum, &kernel, &ended, closed)
	if err != nil {
		return nil, bpf.Explain("stop", err)
	}
	if err := s.readRows(c, &sum, latencies); err != nil {
		return nil, bpf.Explain("stop", err)
	}
	s.lost = 0
	s.checks(c, &sum, &kernel, &ended, begin)
	return c, nil
}

// waitForPrograms returns when all that ran when it was called are over: they run under RCU, and
// this waits for its readers (membarrier(2), MEMBARRIER_CMD_GLOBAL; some ms). Where it is not to be
// had (nohz_full), what it is for fails a check.
func waitForPrograms() {
	const global = 1
	unix.Syscall(unix.SYS_MEMBARRIER, global, 0, 0)
}

func (s *Session) readWindow(epoch uint32) (sum bpfWindow, err error) {
	var per []bpfWindow
	if err := s.objs.base.Maps[bpfMapWindows].Lookup(epoch&1, &per); err != nil {
		return sum, err
	}
	for i := range per {
		w := &per[i]
		sum.Born += w.Born
		sum.Died += w.Died
		sum.LostAlloc += w.LostAlloc
		for j, n := range w.Dead {
			sum.Dead[j] += n
		}
		for j := range w.Hist {
			to, from := &sum.Hist[j], &w.Hist[j]
			to.Sum += from.Sum
			to.Max = max(to.Max, from.Max)
			for k, n := range from.Buckets {
				to.Buckets[k] += n
			}
		}
	}
	return sum, nil
}
