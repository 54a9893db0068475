package poll

import (
	"testing"

	"switchyard"
	"switchyard/internal/testenv/testserver"
)

// running is a server that serves until the test ends.
type running struct {
	*testserver.Server
	t     *testing.T
	addr  string
	count *switchyard.Counters
}

// serve runs a server of m; at the end of the test it must drain and leave nothing behind.
func serve(t *testing.T, m switchyard.Model, o switchyard.Options) *running {
	t.Helper()
	s := testserver.Serve(t, m.New, o)
	return &running{s, t, s.Address, s.Counters}
}

// stop drains the server.
func (r *running) stop() {
	r.t.Helper()
	if err := r.Drain(); err != nil {
		r.t.Errorf("serve: %v", err)
	}
}
