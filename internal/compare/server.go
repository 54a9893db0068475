package compare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"switchyard"
	"switchyard/internal/proc"
)

// A server is a `switchyard serve` of its own process.
type server struct {
	*Process
	address string
}

// startServer starts a server of a model and returns once it accepts.
func startServer(ctx context.Context, m switchyard.Model, o Options, workers int) (*server, error) {
	args := []string{"serve", m.Name, "--listen", "127.0.0.1:0", "--protocol", o.Protocol.String(), "--stats-fd", "3", "--parent", strconv.Itoa(os.Getpid()), "--ready-fd", "4", "--quiet"}
	if workers > 0 {
		args = append(args, "--workers", strconv.Itoa(workers))
	}
	if o.Spins > 0 {
		args = append(args, "--spins", strconv.FormatUint(o.Spins, 10))
	}
	if o.MaxConns > 0 {
		args = append(args, "--max-conns", strconv.Itoa(o.MaxConns))
	}
	ready, theirs, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer ready.Close()
	p, err := Start(o.ServerCPUs, []*os.File{theirs}, args...)
	theirs.Close()
	if err != nil {
		return nil, err
	}
	if err := waitReady(ctx, ready, p); err != nil {
		p.Kill()
		return nil, err
	}
	s := &server{Process: p}
	// The line was written before the byte, but it comes by another way.
	for range 1000 {
		for _, line := range p.stderr.lines() {
			if a, ok := strings.CutPrefix(line, "listening on "); ok {
				s.address = a
				return s, nil
			}
		}
		time.Sleep(time.Millisecond)
	}
	p.Kill()
	return nil, errors.New("it did not say where it listens")
}

// waitReady waits for the byte a server writes once it accepts.
func waitReady(ctx context.Context, ready *os.File, p *Process) error {
	stop := context.AfterFunc(ctx, func() { ready.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	ready.SetReadDeadline(time.Now().Add(10 * time.Second))
	var b [1]byte
	_, err := ready.Read(b[:])
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errors.New("not ready after 10s")
	}
	// The pipe closes when the server ends, or a little before.
	select {
	case <-p.exited:
		return p.death()
	case <-time.After(time.Second):
		return err
	}
}

// stats asks the server for its counters and the CPU time of its dead children.
func (s *server) stats(ctx context.Context) (Stats, error) {
	var st Stats
	if err := s.write("?"); err != nil {
		return st, err
	}
	line, err := s.readLine(ctx, 5*time.Second)
	if err != nil {
		return st, err
	}
	if err := json.Unmarshal([]byte(line), &st); err != nil {
		return st, fmt.Errorf("statistics: %w", err)
	}
	return st, nil
}

// cpu is the CPU time that the server and all its descendants, living and dead,
// have used so far. A child that is waited for in the middle of
// a reading would be in both sums or in neither, so it is read again then.
func (s *server) cpu(ctx context.Context) (cpu proc.CPU, err error) {
	before, err := s.stats(ctx)
	if err != nil {
		return cpu, err
	}
	for range 10 {
		tree, err := proc.TreeWithZombies(s.cmd.Process.Pid)
		if err != nil {
			return cpu, err
		}
		user, system := time.Duration(before.Children.User)*time.Microsecond, time.Duration(before.Children.System)*time.Microsecond
		cpu = proc.CPUTime(tree).Add(proc.CPU{Run: user + system, User: user, System: system})
		after, err := s.stats(ctx)
		if err != nil || after.Children == before.Children {
			return cpu, err
		}
		before = after
	}
	return cpu, nil
}

// pss is the proportional set size of the server and all its descendants.
func (s *server) pss() (int64, error) {
	tree, err := proc.Tree(s.cmd.Process.Pid)
	if err != nil {
		return 0, err
	}
	return proc.PSS(tree)
}

// pssPerConnection opens n connections, has one request served on each so that
// whatever serves it exists, and returns by how much the server's PSS grew for
// each, in bytes, and how many were served. With a queue for each worker
// (SO_REUSEPORT) some connections wait behind others; those are left out.
func (s *server) pssPerConnection(n int, o Options) (bytes float64, served int, err error) {
	before, err := s.pss()
	if err != nil {
		return 0, 0, err
	}
	request := "GET / HTTP/1.1\r\nHost: " + s.address + "\r\n\r\n"
	if o.Protocol == switchyard.Echo {
		request = "x"
	}
	conns := make([]net.Conn, 0, n)
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	deadline := time.Now().Add(time.Second)
	for range n {
		c, err := net.DialTimeout("tcp", s.address, time.Second)
		if err != nil {
			return 0, 0, err
		}
		conns = append(conns, c)
		c.SetDeadline(deadline)
		if _, err := io.WriteString(c, request); err != nil {
			return 0, 0, err
		}
	}
	reply := make([]byte, 4096)
	for _, c := range conns {
		// One that waits in vain must not cost those behind it their chance.
		if soon := time.Now().Add(20 * time.Millisecond); soon.After(deadline) {
			c.SetReadDeadline(soon)
		}
		if _, err := c.Read(reply); err == nil {
			served++
		}
	}
	if served == 0 {
		return 0, 0, fmt.Errorf("none of %d connections had a reply in a second", n)
	}
	after, err := s.pss()
	if err != nil {
		return 0, 0, err
	}
	return float64(after-before) / float64(served), served, nil
}
