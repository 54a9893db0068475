package trace

// Stall keeps the reader from the rings for as long as f takes, and then empties them.
func (r *Recorder) Stall(f func()) error {
	r.draining.Lock()
	f()
	r.draining.Unlock()
	return r.drain()
}
