package child

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"

	"switchyard"
	"switchyard/internal/proc"
)

// ServerOptions say which server to start.
type ServerOptions struct {
	Program string // that is run; "" is this one
	CPUs    proc.CPUList
	Model   string
	// Server is what it is to do. What is zero is the default of switchyard serve; the address is a
	// free one of 127.0.0.1, and Ready and Counters are the child's own.
	Server switchyard.Options
}

// args are the command line.
func (o *ServerOptions) args() []string {
	a := arguments{"serve", o.Model, "--listen", "127.0.0.1:0", "--stats-fd", "3",
		"--ready-fd", "4", "--parent", strconv.Itoa(os.Getpid()), "--quiet",
		"--protocol", o.Server.Protocol.String()}
	a.flag("workers", o.Server.Workers, o.Server.Workers == 0)
	a.flag("max-conns", o.Server.MaxConns, o.Server.MaxConns == 0)
	a.flag("grace", o.Server.Grace, o.Server.Grace == 0)
	a.flag("spins", o.Server.SpinsPerMilli, o.Server.SpinsPerMilli == 0)
	return a
}

// A Server is a `switchyard serve` in a process of its own.
type Server struct {
	*Process
	Address  string // where it listens
	protocol switchyard.Protocol
}

// StartServer starts a server and returns once it accepts. The calling goroutine must be locked to
// its thread, which must live as long as the server.
func StartServer(ctx context.Context, o ServerOptions) (*Server, error) {
	ready, theirs, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer ready.Close()
	p, err := start(o.Program, o.CPUs, []*os.File{theirs}, o.args()...)
	theirs.Close()
	if err != nil {
		return nil, err
	}
	s := &Server{Process: p, protocol: o.Server.Protocol}
	if err = waitReady(ctx, ready, p); err == nil {
		var st Stats
		if st, err = s.Stats(ctx); err == nil && st.Address == "" {
			err = errors.New("it did not say where it listens")
		}
		s.Address = st.Address
	}
	if err != nil {
		p.Kill()
		return nil, err
	}
	return s, nil
}

// URL is the target of a load on the server: of path, which an echo server has none of.
func (s *Server) URL(path string) string {
	if s.protocol == switchyard.Echo {
		return "echo://" + s.Address
	}
	return "http://" + s.Address + path
}

// waitReady waits for the byte a server writes once it accepts.
func waitReady(ctx context.Context, ready *os.File, p *Process) error {
	stop := context.AfterFunc(ctx, func() { ready.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	ready.SetReadDeadline(time.Now().Add(10 * time.Second))
	var b [1]byte
	_, err := ready.Read(b[:])
	if errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() == nil {
		ready.SetReadDeadline(time.Now().Add(secondLook))
		_, err = ready.Read(b[:])
	}
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

// Stats asks the server for its counters and the CPU time of its dead children.
func (s *Server) Stats(ctx context.Context) (Stats, error) {
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

// Idle waits until the server has no connection open and has had so many, so that all it has
// answered is counted (a server counts the requests of a connection when that closes), and returns
// its counters. A connection its client has closed may still be waiting for a process to be made
// for it. It does not wait long: the second result is false when some connection stays.
func (s *Server) Idle(ctx context.Context, accepted int) (st Stats, idle bool, err error) {
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		st, err = s.Stats(ctx)
		idle = err == nil && st.Counters.Active == 0 && st.Counters.Accepted >= uint64(accepted)
		if err != nil || idle || time.Now().After(deadline) {
			return st, idle, err
		}
	}
}

// CPU is the CPU time that the server and all its descendants, living and dead, have used so far. A
// child that is waited for in the middle of a reading would be in both sums or in neither, so it is
// read again then.
func (s *Server) CPU(ctx context.Context) (cpu proc.CPU, err error) {
	before, err := s.Stats(ctx)
	if err != nil {
		return cpu, err
	}
	for range 10 {
		tree, err := proc.TreeWithZombies(s.cmd.Process.Pid)
		if err != nil {
			return cpu, err
		}
		user := time.Duration(before.Children.User) * time.Microsecond
		system := time.Duration(before.Children.System) * time.Microsecond
		cpu = proc.CPUTime(tree).Add(proc.CPU{Run: user + system, User: user, System: system})
		after, err := s.Stats(ctx)
		if err != nil || after.Children == before.Children {
			return cpu, err
		}
		before = after
	}
	return cpu, nil
}

// PSS is the proportional set size of the server and all its descendants.
func (s *Server) PSS() (int64, error) {
	tree, err := proc.Tree(s.cmd.Process.Pid)
	if err != nil {
		return 0, err
	}
	return proc.PSS(tree)
}

// PSSPerConnection opens n connections, has one request served on each so that whatever serves it
// exists, and returns by how much the server's PSS grew for each, in bytes, and how many were
// served. With a queue for each worker (SO_REUSEPORT) some connections wait behind others; those
// are left out.
func (s *Server) PSSPerConnection(n int) (bytes float64, served int, err error) {
	before, err := s.PSS()
	if err != nil {
		return 0, 0, err
	}
	request := "GET / HTTP/1.1\r\nHost: " + s.Address + "\r\n\r\n"
	if s.protocol == switchyard.Echo {
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
		c, err := net.DialTimeout("tcp", s.Address, time.Second)
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
	after, err := s.PSS()
	if err != nil {
		return 0, 0, err
	}
	return float64(after-before) / float64(served), served, nil
}
