package conformance

import (
	"net/netip"
	"testing"
	"time"

	"switchyard"
	"switchyard/internal/testenv"
	"switchyard/internal/testenv/testserver"
)

// patience is how long anything that must happen may take. It is never waited out by a test that
// passes.
const patience = testenv.Patience

// testServer is a server of one model in this process.
type testServer struct {
	*testserver.Server
	t      *testing.T
	model  switchyard.Model
	opts   switchyard.Options
	addr   netip.AddrPort
	counts *switchyard.Counters
	// together is how many connections can be counted on to be served at the same moment.
	together int
}

// serve starts a server and, at the test's end, drains it and checks what every server must leave
// behind: balanced counters, and nothing else.
func serve(t *testing.T, m switchyard.Model, opts switchyard.Options) *testServer {
	t.Helper()
	opts.SpinsPerMilli = 100_000 // the same everywhere; measuring it costs time
	if opts.Grace == 0 {
		opts.Grace = time.Second
	}
	s := testserver.Serve(t, m.New, opts)
	return &testServer{
		Server: s, t: t, model: m, opts: opts,
		addr: netip.MustParseAddrPort(s.Address), counts: s.Counters,
		together: together(m, opts),
	}
}

// together is how many connections a server can be counted on to serve at the same moment:
// Model.Capacity, but where connections are dealt out to workers that serve one at a time, two may
// wait for one while another has none.
func together(m switchyard.Model, opts switchyard.Options) int {
	if m.Pool && m.ReusePort {
		return 1
	}
	return m.Capacity(opts)
}

// clients is n, or how many the server serves at the same moment if that is less.
func (s *testServer) clients(n int) int { return min(n, s.together) }
