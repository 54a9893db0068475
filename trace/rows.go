package trace

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"github.com/cilium/ebpf"
)

// readRows fills in the tasks; what of the sum they do not explain is the others'.
func (s *Session) readRows(c *Counts, sum *[bpfCountCOUNTS]uint64, latencies []*latency) error {
	others := *sum
	err := s.eachRow(func(r *bpfRow) {
		name, _, _ := bytes.Cut(r.Comm[:], []byte{0})
		t := TaskTotals{
			TID:     int(r.Tid),
			TGID:    int(r.Tgid),
			Name:    string(name),
			Started: time.Duration(r.Start),
			Totals:  newTotals(&r.N),
		}
		if i := int(r.Place) - 1; i >= 0 && i < len(latencies) {
			t.RunQueueLatency, t.WakeupLatency = &latencies[i].runQueue, &latencies[i].wakeup
		}
		c.Tasks = append(c.Tasks, t)
		for j, v := range r.N {
			others[j] -= v
		}
	})
	if err != nil {
		return err
	}
	c.OtherTasks = uint64(s.get("Rows")) - uint64(len(c.Tasks))
	if c.OtherTasks > 0 {
		c.Others = newTotals(&others)
	}
	slices.SortStableFunc(c.Tasks, func(a, b TaskTotals) int { return int(b.OnCPU - a.OnCPU) })
	return nil
}

// eachRow calls f for the rows of the window: those of an array, or of the queue in its place,
// which is then empty.
func (s *Session) eachRow(f func(*bpfRow)) error {
	queue, array := s.objs.base.Maps[schedPlainMapRowQueue], s.objs.base.Maps[bpfMapRows]
	for queue != nil {
		var r bpfRow
		if err := queue.LookupAndDelete(nil, &r); errors.Is(err, ebpf.ErrKeyNotExist) {
			return nil
		} else if err != nil {
			return err
		}
		f(&r)
	}
	for i := range s.places() {
		var r bpfRow
		if err := array.Lookup(i, &r); err != nil {
			return err
		}
		if r.Place != 0 { // else its task had ended when it was given the place
			f(&r)
		}
	}
	return nil
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
		if err := latencies.Put(i, &bpfLatency{}); err != nil {
			return err
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
