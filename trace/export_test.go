package trace

import "time"

// Stall keeps the reader from the rings for as long as f takes, and then empties them.
func (r *Recorder) Stall(f func()) error {
	r.draining.Lock()
	f()
	r.draining.Unlock()
	_, err := r.drain()
	return err
}

// Unknown is the time in which it was not known what the tasks followed did, and how many they are.
func (s *Session) Unknown() (d time.Duration, tasks int, err error) {
	var address uint64
	var slot uint32
	it := s.objs.base.Maps[bpfMapTraced].Iterate()
	for it.Next(&address, &slot) {
		var t bpfTask
		if err := s.objs.base.Maps[bpfMapTasks].Lookup(slot, &t); err != nil {
			return 0, 0, err
		}
		d += time.Duration(t.N[bpfCountCOUNT_UNKNOWN])
		tasks++
	}
	return d, tasks, it.Err()
}

// Traced is how many tasks have a place among the traced.
func (s *Session) Traced() (int, error)  { return s.objs.traced() }
func (r *Recorder) Traced() (int, error) { return r.objs.traced() }

func (o *objects) traced() (n int, err error) {
	var address uint64
	var slot uint32
	it := o.base.Maps[bpfMapTraced].Iterate()
	for it.Next(&address, &slot) {
		n++
	}
	return n, it.Err()
}
