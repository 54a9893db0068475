package trace

// latencyRoom is how many tasks of a window have latencies of their own, at most. Each has 8 kB in the kernel.
const latencyRoom = 1 << 8

// A latency is how long one task of a window waited for a CPU.
type latency struct{ runQueue, wakeup Histogram }

// readLatencies reads those of all tasks that have their own, by place, and adds them to the sums, in which they are not yet.
func (s *Session) readLatencies(c *Counts) ([]*latency, error) {
	all := make([]*latency, min(s.places(), latencyRoom))
	none := new(latency)
	for i := range all {
		var l bpfLatency
		if err := s.objs.base.Maps[bpfMapLatencies].Lookup(uint32(i), &l); err != nil {
			return nil, err
		}
		if l == (bpfLatency{}) {
			all[i] = none // it takes as much as any, and most tasks sleep
			continue
		}
		a := new(latency)
		a.wakeup.merge(&l.Hist[bpfHistIdHIST_WAKEUP_LATENCY])
		a.runQueue.merge(&l.Hist[bpfHistIdHIST_READY])
		a.runQueue.Merge(&a.wakeup)
		c.RunQueueLatency.Merge(&a.runQueue)
		c.WakeupLatency.Merge(&a.wakeup)
		all[i] = a
	}
	return all, nil
}

// places is how many tasks have a place among the rows in the window, or had in the last one.
func (s *Session) places() uint32 {
	return min(s.get("Places"), uint32(s.opts.MaxTasks))
}

// emptyPlaces forgets what the last window had there.
func (s *Session) emptyPlaces() error {
	latencies, rows := s.objs.base.Maps[bpfMapLatencies], s.objs.base.Maps[bpfMapRows]
	if s.objs.base.Maps[schedPlainMapRowQueue] != nil {
		rows = nil
		if err := s.eachRow(func(*bpfRow) {}); err != nil {
			return err
		}
	}
	for i := range s.places() {
		if i < latencyRoom {
			if err := latencies.Put(i, &bpfLatency{}); err != nil {
				return err
			}
		}
		if rows != nil {
			if err := rows.Put(i, &bpfRow{}); err != nil {
				return err
			}
		}
	}
	s.set("Places", 0)
	return nil
}
