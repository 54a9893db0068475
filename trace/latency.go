package trace

// A latency is how long one task of a window waited for a CPU.
type latency struct{ runQueue, wakeup Histogram }

// latenciesGiven is how many tasks have latencies of their own in the window, or had in the last one.
func (s *Session) latenciesGiven() uint32 {
	return min(s.get("Latencies"), uint32(s.opts.MaxTasks))
}

// readLatencies reads those of all tasks that have their own, and adds them to the sums, where they are not.
func (s *Session) readLatencies(c *Counts) ([]latency, error) {
	all := make([]latency, s.latenciesGiven())
	for i := range all {
		var l bpfLatency
		if err := s.objs.base.Maps[bpfMapLatencies].Lookup(uint32(i), &l); err != nil {
			return nil, err
		}
		a := &all[i]
		a.wakeup.merge(&l.Hist[bpfHistIdHIST_WAKEUP_LATENCY])
		a.runQueue.merge(&l.Hist[bpfHistIdHIST_READY])
		a.runQueue.Merge(&a.wakeup)
		c.RunQueueLatency.Merge(&a.runQueue)
		c.WakeupLatency.Merge(&a.wakeup)
	}
	return all, nil
}

// emptyLatencies forgets those of the last window.
func (s *Session) emptyLatencies() error {
	for i := range s.latenciesGiven() {
		if err := s.objs.base.Maps[bpfMapLatencies].Put(i, &bpfLatency{}); err != nil {
			return err
		}
	}
	s.set("Latencies", 0)
	return nil
}
