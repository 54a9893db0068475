package trace

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"time"

	"switchyard/internal/bpf"
)

// Read returns what was counted since Start, and leaves the window open. Nothing is lost between
// two readings: each has all since Start, so that what happened between two of them is their
// difference (Counts.Since), and the differences, with that of Stop to the last reading, add up to
// what Stop returns.
//
// Tasks has a row for each task that lives, and the last one of each that ended since the reading
// before: its Exits is 1. No later reading has it, nor has Stop, and another task can have its
// place: Options.MaxTasks bounds how many there are at a time. A task has a row in all readings of
// its life, or in none.
//
// The counts of a task are read together with the kernel's own books, as Stop reads them, and the
// checks are made. The histograms, and values that are not of each task, are read some µs after the
// tasks, while they go on: an interval that ends just then can be in a histogram's buckets and not
// yet in its sum and maximum, or the other way round; the next reading has it in both.
// Times can be some ns less than in the reading before: the interval that a task is in is divided
// as it looks, and put right when it ends.
//
// A reading takes about 0.6 ms of CPU time, and 16 µs for each task with a row, much of which goes
// to its latencies: 16 ms for 1,000 tasks (BenchmarkRead). The garbage it leaves is 8 kB a task; in
// the kernel nothing grows. The traced tasks do not wait.
//
// It visits every task on the machine, and does so again if a traced one began or ended meanwhile.
// If it does not succeed in a hundred times, the error wraps ErrBusy; the window stays open, and a
// later reading has all. No privilege beyond those that Stop needs.
func (s *Session) Read() (*Counts, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, fmt.Errorf("trace: read: %w", os.ErrClosed)
	case !s.running:
		return nil, errors.New("trace: read: no window is open: start one first")
	}
	begin := time.Now()
	defer s.set("Force", 0)
	for i := range patience {
		if i == patience-1 {
			s.set("Force", 1)
		}
		c, err := s.read(begin)
		if !errors.Is(err, ErrBusy) {
			return c, bpf.Explain("read", err)
		}
		time.Sleep(100 * time.Microsecond)
	}
	return nil, fmt.Errorf("trace: read: %w", ErrBusy)
}

// ErrBusy is why Session.Read has no reading.
var ErrBusy = errors.New("tasks begin and end faster than they can be read: try again, nothing is lost")

// read tries once.
func (s *Session) read(begin time.Time) (*Counts, error) {
	before, err := s.readWindow(s.epoch)
	if err != nil {
		return nil, err
	}
	var rows []bpfRow
	w, err := s.walkRows(bpfWalkModeWALK_READ, func(r *bpfRow) { rows = append(rows, *r) })
	if err != nil {
		return nil, err
	}
	kernel, err := s.readWindow(s.epoch)
	if err != nil {
		return nil, err
	}
	// One that ended in between may be in both sums, or in none. One in the middle of its end is
	// in neither number.
	if w.Unsteady > 0 || kernel.Born != before.Born || kernel.Died != before.Died ||
		kernel.Dead != before.Dead || s.opened+kernel.Born != kernel.Died+w.Found {
		return nil, ErrBusy
	}
	// From 7.0 on a task can be kept from the CPU in the middle of a probe: it has forked, and its
	// child is not yet in the window. If that stays so, the check says it.
	made := w.Sum[bpfCountCOUNT_FORKS] + w.Sum[bpfCountCOUNT_THREADS] +
		kernel.Dead[bpfCountCOUNT_FORKS] + kernel.Dead[bpfCountCOUNT_THREADS]
	if made != kernel.Born+kernel.LostAlloc && s.get("Force") == 0 {
		return nil, ErrBusy
	}
	living := make(map[uint64]bool, len(rows))
	for i := range rows {
		living[rows[i].Id] = true
	}
	ended, err := s.endedRows(living)
	if err != nil {
		return nil, err
	}
	// One that began and ended meanwhile may have a row, and is in no sum.
	if now, err := s.readWindow(s.epoch); err != nil {
		return nil, err
	} else if now.Born != kernel.Born || now.Died != kernel.Died {
		return nil, ErrBusy
	}
	var at span
	at.add(&w)
	sum := w.Sum
	c, latencies, err := s.counts(&sum, &kernel, &at, w.Found)
	if err != nil {
		return nil, err
	}
	c.fill(append(rows, ended...), &sum, s.opened+kernel.Born, latencies)
	s.checks(c, &sum, &kernel, &at, begin)
	return c, s.handOver(ended, latencies)
}

// counts returns what a reading of the living tasks, sum, and of what else there is comes to; sum
// is then that of those that ended, too.
func (s *Session) counts(sum *counts, kernel *bpfWindow, at *span, living uint64) (
	*Counts, []*latency, error) {
	values, err := s.readProbes()
	if err != nil {
		return nil, nil, err
	}
	for i, n := range kernel.Dead {
		sum[i] += n
	}
	own := s.own()
	c := &Counts{
		Window:  at.middle() - s.began.middle(),
		Total:   newTotals(sum, own),
		own:     own,
		Missing: maps.Clone(s.missing),
		Started: s.opened,
		Ended:   living,
		Steal:   max(0, readStat().Steal-s.stat.Steal),

		Interrupts: max(0, readStat().Interrupts-s.stat.Interrupts),
		Cost:       Cost{Attach: s.attach, Memory: s.memory, Open: s.opening},
	}
	if c.Throttled, err = s.throttle.Read(); err != nil {
		c.Missing["throttled"] = err.Error()
	}
	mergeHist(&c.RunQueueLatency, &kernel.Hist[bpfHistIdHIST_READY])
	mergeHist(&c.RunQueueLatency, &kernel.Hist[bpfHistIdHIST_WAKEUP_LATENCY])
	mergeHist(&c.WakeupLatency, &kernel.Hist[bpfHistIdHIST_WAKEUP_LATENCY])
	mergeHist(&c.OnCPUSpan, &kernel.Hist[bpfHistIdHIST_ON_CPU])
	mergeHist(&c.BlockedTime, &kernel.Hist[bpfHistIdHIST_BLOCKED])
	c.Values = append(c.Total.Values[:len(c.Total.Values):len(c.Total.Values)],
		values.Minus(s.first)...)
	latencies, err := s.readLatencies(c)
	if err != nil {
		return nil, nil, err
	}
	if s.stranded, err = s.readOffline(c, s.began.middle()); err != nil {
		return nil, nil, err
	}
	s.losses(c, kernel.LostAlloc)
	return c, latencies, nil
}

// checks makes the checks of a reading that was begun at begin.
func (s *Session) checks(c *Counts, sum *counts, kernel *bpfWindow, at *span,
	begin time.Time) {
	c.check(sum, s.opened, c.Ended, kernel, s.stranded)
	if s.everyone || len(s.pids) > 0 {
		c.Checks = append(c.Checks, c.checkWindow(at.last-s.began.first,
			s.opening+time.Since(begin), s.opened+kernel.Born))
	}
	if !s.objs.can.Atomics {
		c.explainLife()
	}
	c.Cost.Close = time.Since(begin)
}
