package trace

// Stall keeps the reader from the rings for as long as f takes.
func (r *Recorder) Stall(f func()) {
	r.draining.Lock()
	defer r.draining.Unlock()
	f()
}
