package conformance

import (
	"testing"
	"time"

	"switchyard"
	"switchyard/internal/testenv"
)

// What happens at limits: nothing dies, accepting pauses and goes on.
var limitCases = []conformanceCase{
	{"maximum of connections", maxConns},
	{"no descriptors left", noDescriptors},
}

func maxConns(t *testing.T, m switchyard.Model) {
	const limit = 4
	opts := switchyard.Options{MaxConns: limit, Workers: 2 * limit}
	if together(m, opts) < limit {
		opts.MaxConns = together(m, opts)
	}
	s := serve(t, m, opts)
	var clients []*client
	for range opts.MaxConns {
		c := s.dial()
		c.send(getRoot)
		c.wantRoot()
		clients = append(clients, c)
	}
	late := s.dial()
	late.send(getRoot)
	if opts.MaxConns > 1 || m.Capacity(switchyard.Options{}) == 1 {
		if !late.silent(30 * time.Millisecond) {
			t.Errorf("connection %d of at most %d is served", opts.MaxConns+1, opts.MaxConns)
		}
		if n := s.counts.Active(); n > opts.MaxConns {
			t.Errorf("%d connections active, at most %d are allowed", n, opts.MaxConns)
		}
	}
	testenv.Eventually(t, "the pause is counted", func() bool { return s.counts.Paused.Load() > 0 })
	clients[0].Close()
	late.wantRoot()
	// Over and over.
	for _, c := range append(clients[1:], late) {
		next := s.dial()
		next.send(getRoot)
		c.Close()
		next.wantRoot()
		t.Cleanup(func() { next.Close() })
	}
}

func noDescriptors(t *testing.T, m switchyard.Model) {
	const (
		room  = 28
		count = 40
	)
	config := programConfig{Model: m.Name, Room: room}
	// Few workers: each may cost descriptors of its own. More only where each holds one connection
	// and no other descriptor, in the process that is short of them.
	config.Options.Workers = 4
	if !m.Isolated && m.Capacity(switchyard.Options{Workers: 4}) < count {
		config.Options.Workers = count
	}
	opts := switchyard.Options{Workers: config.Options.Workers}
	if m.Capacity(opts) == 1 {
		testenv.Skip(t, "the server holds one connection at a time, so it always has a descriptor for it",
			func() error {
				return oneAtATime(t, m)
			})
	}
	p := startProgram(t, config)
	waiting := make([]*client, count)
	for i := range waiting {
		waiting[i] = dial(t, p.addr)
		waiting[i].send(getRoot)
	}
	// Either accepting pauses, or there is no reason to.
	var r programReport
	testenv.Eventually(t, "descriptors run out, or everyone who can be is served", func() bool {
		r = p.report()
		return r.Paused > 0 || m.Isolated && int(r.Accepted) >= min(count, together(m, opts))
	})
	if active := r.Accepted - r.Closed; active > room && !m.Isolated {
		t.Errorf("%d connections are open with %d descriptors", active, room)
	}
	// All are served in the end, as those who have been served close.
	for _, served := 0, 0; served < count; {
		progress := false
		for i, c := range waiting {
			if c == nil {
				continue
			}
			if !c.silent(time.Millisecond) {
				c.wantRoot()
				c.Close()
				waiting[i], progress = nil, true
				served++
			}
		}
		if !progress {
			for _, c := range waiting {
				if c != nil {
					_, err := c.r.Peek(1) // waits for as long as anything may take
					if err != nil {
						t.Fatalf("%d of %d are served, the next: %v", served, count, err)
					}
					break
				}
			}
		}
	}
	if r := p.stop(); r.Accepted != r.Closed || r.Accepted != count {
		t.Errorf("at the end: %+v", r)
	}
}

// oneAtATime is nil when two connections are served at the same moment.
func oneAtATime(t *testing.T, m switchyard.Model) error {
	s := serve(t, m, switchyard.Options{})
	first, second := s.dial(), s.dial()
	first.send(getRoot)
	first.wantRoot()
	second.send(getRoot)
	if second.silent(20 * time.Millisecond) {
		return errOneAtATime
	}
	return nil
}
