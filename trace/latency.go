package trace

import "switchyard/trace/hist"

// A latency is how long one task of a window waited for a CPU.
type latency struct{ runQueue, wakeup hist.Histogram }

// readLatencies reads those of all tasks that have their own, by place, and adds them to the sums,
// in which they are not yet.
func (s *Session) readLatencies(c *Counts) ([]*latency, error) {
	all := make([]*latency, s.places())
	none := new(latency)
	var l bpfLatency
	for i := range all {
		if err := s.objs.base.Maps[bpfMapLatencies].Lookup(uint32(i), &l); err != nil {
			return nil, err
		}
		if l == (bpfLatency{}) {
			all[i] = none // it takes as much as any, and most tasks sleep
			continue
		}
		a := new(latency)
		mergeHist(&a.wakeup, &l.Hist[bpfHistIdHIST_WAKEUP_LATENCY])
		mergeHist(&a.runQueue, &l.Hist[bpfHistIdHIST_READY])
		a.runQueue.Merge(&a.wakeup)
		c.RunQueueLatency.Merge(&a.runQueue)
		c.WakeupLatency.Merge(&a.wakeup)
		all[i] = a
	}
	c.RunQueueLatency.Merge(&s.retired.runQueue)
	c.WakeupLatency.Merge(&s.retired.wakeup)
	return all, nil
}

// mergeHist adds what one CPU, or one task, collected.
func mergeHist(h *hist.Histogram, k *bpfHist) { h.AddBuckets(&k.Buckets, k.Sum, k.Max) }
