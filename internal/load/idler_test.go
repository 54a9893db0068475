package load

import (
	"bufio"
	"io"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestIdleBallastStaysOpen(t *testing.T) {
	var quiet atomic.Int64
	s := serve(t, func(s *server, c net.Conn) {
		quiet.Add(1)
		r := bufio.NewReader(c)
		if _, err := r.Peek(1); err == nil {
			quiet.Add(-1)
			for readRequest(r) == nil {
				io.WriteString(c, okReply)
			}
			return
		}
		quiet.Add(-1)
	})
	var seen int64
	r := run(t, Config{Target: "http://" + s.addr + "/", Idle: 50, Clients: 2, Threads: 2,
		AfterMeasure: func() error { seen = quiet.Load(); return nil }})
	clean(t, r)
	if r.Idle != (Idle{Asked: 50, Open: 50}) || seen != 50 {
		t.Errorf("%+v, and the server has %d silent connections", r.Idle, seen)
	}
	if got := s.conns.Load(); got != 52 {
		t.Errorf("%d connections, want 50 idle and 2 clients", got)
	}
}

func TestIdleConnectionsClosedByTheServerAreReported(t *testing.T) {
	s := serve(t, func(s *server, c net.Conn) {
		c.SetReadDeadline(time.Now().Add(30 * time.Millisecond))
		r := bufio.NewReader(c)
		if _, err := r.Peek(1); err != nil {
			return
		}
		c.SetReadDeadline(time.Time{})
		for readRequest(r) == nil {
			io.WriteString(c, okReply)
		}
	})
	r := run(t, Config{Target: "http://" + s.addr + "/", Idle: 10, Clients: 1, RequestsPerConn: 100,
		Duration: 400 * time.Millisecond})
	if r.Idle.Open != 0 || r.Idle.ClosedByServer != 10 {
		t.Errorf("%+v, want all closed by the server", r.Idle)
	}
	if !slices.ContainsFunc(r.Warnings, func(w string) bool {
		return strings.Contains(w, "idle")
	}) {
		t.Errorf("warnings %q do not say so", r.Warnings)
	}
}
