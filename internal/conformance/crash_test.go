package conformance

import (
	"strings"
	"syscall"
	"testing"

	"switchyard"
	"switchyard/internal/testenv"
)

// A bug in one connection's handler.
var crashCases = []conformanceCase{{"crash", crash}}

func crash(t *testing.T, m switchyard.Model) {
	p := startProgram(t, programConfig{Model: m.Name})
	// A connection of another worker, where that is sure to be another.
	var other *client
	if together(m, switchyard.Options{}) > 1 {
		other = dial(t, p.addr)
		other.send(getRoot)
		other.wantRoot()
	}
	victim := dial(t, p.addr)
	victim.send(getRoot)
	victim.wantRoot()
	victim.send("GET /crash HTTP/1.1\r\n\r\n")
	victim.wantEnd()

	if !m.Isolated {
		if other != nil {
			other.wantEnd()
		}
		err := p.cmd.Wait()
		status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
		if !ok || !status.Signaled() || status.Signal() != syscall.SIGSEGV {
			t.Errorf("the server ended with %v, want SIGSEGV", err)
		}
		if lines := p.lines(); len(lines) != 1 || !strings.Contains(lines[0], "crash") {
			t.Errorf("standard error has %q, want one line that says what happened", lines)
		}
		return
	}
	testenv.Eventually(t, "the crash is counted", func() bool { return p.report().Crashed == 1 })
	if other != nil {
		other.send(getRoot)
		other.wantRoot()
		other.Close()
	}
	// Every worker there is, old and new.
	for range 2 * switchyard.DefaultPoolWorkers {
		c := dial(t, p.addr)
		c.send(getRoot)
		c.wantRoot()
		c.Close()
	}
	if r := p.stop(); r.Crashed != 1 || r.Accepted != r.Closed {
		t.Errorf("at the end: %+v", r)
	}
	if lines := p.lines(); len(lines) != 1 || !strings.Contains(lines[0], "crash") {
		t.Errorf("standard error has %q, want one line that says what happened", lines)
	}
}
