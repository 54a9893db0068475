package trace

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"github.com/cilium/ebpf"
)

// readRows fills in the tasks, when the window is closed.
func (s *Session) readRows(c *Counts, sum *counts, latencies []*latency) error {
	rows := s.ended
	err := s.eachRow(func(r *bpfRow) { rows = append(rows, *r) })
	if err != nil {
		return err
	}
	s.ended = nil
	c.fill(rows, sum, uint64(s.get("Rows")), latencies)
	return nil
}

// fill makes the tasks of the rows; what of the sum they do not explain is the others', who are the
// rest of so many tasks.
func (c *Counts) fill(rows []bpfRow, sum *counts, tasks uint64,
	latencies []*latency) {
	c.n = *sum
	others := *sum
	c.Tasks = slices.Grow(c.Tasks, len(rows))
	for i := range rows {
		r := &rows[i]
		name, _, _ := bytes.Cut(r.Comm[:], []byte{0})
		t := TaskTotals{
			ID:      r.Id,
			TID:     int(r.Tid),
			TGID:    int(r.Tgid),
			Name:    string(name),
			Started: time.Duration(r.Start),
			Totals:  newTotals(&r.N, c.own),
			n:       r.N,
		}
		if i := int(r.Place) - 1; i >= 0 && i < len(latencies) {
			t.RunQueueLatency, t.WakeupLatency = &latencies[i].runQueue, &latencies[i].wakeup
		}
		c.Tasks = append(c.Tasks, t)
		for j, v := range r.N {
			others[j] -= v
		}
	}
	if c.OtherTasks = tasks - uint64(len(rows)); c.OtherTasks > 0 {
		c.Others = newTotals(&others, c.own)
	}
	slices.SortStableFunc(c.Tasks, func(a, b TaskTotals) int { return int(b.OnCPU - a.OnCPU) })
}

// eachRow calls f for the rows of the window: those of an array, or of the queue in its place,
// which is then empty.
func (s *Session) eachRow(f func(*bpfRow)) error {
	if queue := s.objs.base.Maps[schedPlainMapRowQueue]; queue != nil {
		return drain(queue, f)
	}
	array := s.objs.base.Maps[bpfMapRows]
	var r bpfRow
	for i := range s.places() {
		if err := array.Lookup(i, &r); err != nil {
			return err
		}
		if r.Place != 0 { // else its task had ended when it was given the place
			f(&r)
		}
	}
	return nil
}

// drain takes all out of a queue or a stack; more than it can hold are left for the next time.
func drain[T any](m *ebpf.Map, f func(*T)) error {
	for range m.MaxEntries() {
		var v T
		if err := m.LookupAndDelete(nil, &v); errors.Is(err, ebpf.ErrKeyNotExist) {
			return nil
		} else if err != nil {
			return err
		}
		f(&v)
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
	if free := s.objs.base.Maps[bpfMapFreePlaces]; free != nil {
		if err := drain(free, func(*uint32) {}); err != nil {
			return err
		}
	}
	s.ended, s.retired = nil, latency{}
	s.set("Places", 0)
	return nil
}

// endedRows returns the rows of tasks that have ended and that no reading has handed over, but for
// those that are still among the living, by ID: they ended after they were read.
func (s *Session) endedRows(living map[uint64]bool) (rows []bpfRow, err error) {
	if s.objs.base.Maps[schedPlainMapRowQueue] == nil {
		err := s.eachRow(func(r *bpfRow) {
			if !living[r.Id] {
				rows = append(rows, *r)
			}
		})
		return rows, err
	}
	if len(s.ended) < s.opts.MaxTasks { // else those in the queue stay there until these are gone
		if err := s.eachRow(func(r *bpfRow) { s.ended = append(s.ended, *r) }); err != nil {
			return nil, err
		}
	}
	for i := range s.ended {
		if !living[s.ended[i].Id] {
			rows = append(rows, s.ended[i])
		}
	}
	return rows, nil
}

// handOver forgets the rows, which are of tasks that have ended: others can have their places.
func (s *Session) handOver(rows []bpfRow, latencies []*latency) error {
	if s.objs.base.Maps[schedPlainMapRowQueue] != nil {
		over := make(map[uint64]bool, len(rows))
		for i := range rows {
			over[rows[i].Id] = true
		}
		s.ended = slices.DeleteFunc(s.ended, func(r bpfRow) bool { return over[r.Id] })
		return nil
	}
	maps := s.objs.base.Maps
	for i := range rows {
		place := rows[i].Place - 1
		s.retired.runQueue.Merge(&latencies[place].runQueue)
		s.retired.wakeup.Merge(&latencies[place].wakeup)
		if err := errors.Join(
			maps[bpfMapRows].Put(place, &bpfRow{}),
			maps[bpfMapLatencies].Put(place, &bpfLatency{}),
			maps[bpfMapFreePlaces].Put(nil, place),
		); err != nil {
			return err
		}
	}
	return nil
}
