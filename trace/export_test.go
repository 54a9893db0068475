package trace

// Stall keeps the reader from the rings for as long as f takes, and then empties them.
func (r *Recorder) Stall(f func()) error {
	r.draining.Lock()
	f()
	r.draining.Unlock()
	return r.drain()
}

// RequestFlags finds out anew by which flags of a task the scheduler tells it to go. Of s, this is all that is of use
// thereafter: its probes keep their requests where this does.
func (s *SwitchCost) RequestFlags() (uint64, error) {
	if err := closeLinks(s.first); err != nil {
		return 0, err
	}
	s.first = nil
	return s.requestFlags()
}
