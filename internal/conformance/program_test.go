package conformance

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"switchyard"
	"switchyard/internal/testenv"
)

// programConfig is what a server in a process of its own is told.
type programConfig struct {
	Model   string
	Options struct {
		Workers, MaxConns int
		Grace             time.Duration
	}
	// Room, when not 0, is how many descriptors the process may still open.
	Room int
}

// programReport is a line a server in a process of its own writes: when it is ready, when it is
// asked, and when it has ended.
type programReport struct {
	Addr                                                   netip.AddrPort
	Accepted, Closed, Requests, Paused, Crashed, Respawned uint64
	Ended                                                  bool
	Err                                                    string
}

// serveProgram is the process: it reports on standard output for each line of input and drains at
// its end.
func serveProgram() int {
	var config programConfig
	if err := json.Unmarshal([]byte(os.Args[1]), &config); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	counts, _, err := switchyard.NewCounters()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	model, _ := switchyard.Lookup(config.Model)
	var mu sync.Mutex
	var bound netip.AddrPort
	report := func(r programReport) {
		mu.Lock()
		defer mu.Unlock()
		r.Addr = bound
		r.Accepted, r.Closed, r.Requests = counts.Accepted.Load(), counts.Closed.Load(),
			counts.Requests.Load()
		r.Paused, r.Crashed, r.Respawned = counts.Paused.Load(), counts.Crashed.Load(),
			counts.Respawned.Load()
		line, _ := json.Marshal(r)
		os.Stdout.Write(append(line, '\n'))
	}
	server, err := model.New(switchyard.Options{
		Workers: config.Options.Workers, MaxConns: config.Options.MaxConns,
		Grace:    config.Options.Grace,
		Counters: counts, SpinsPerMilli: 100_000,
		Ready: func(addr netip.AddrPort) {
			mu.Lock()
			bound = addr
			mu.Unlock()
			report(programReport{})
		},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if config.Room > 0 {
		if err := leaveRoom(config.Room); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			report(programReport{})
		}
		cancel()
	}()
	end := programReport{Ended: true}
	if err := server.Serve(ctx); err != nil {
		end.Err = err.Error()
	}
	report(end)
	return 0
}

// leaveRoom lowers the limit on descriptors so that room more can be opened.
func leaveRoom(room int) error {
	dir, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	used := map[string]bool{}
	for _, d := range dir { // one of them is the listing's own, which is free now
		if _, err := os.Readlink("/proc/self/fd/" + d.Name()); err == nil {
			used[d.Name()] = true
		}
	}
	limit := uint64(0) // open descriptors may lie beyond it
	for ; room > 0; limit++ {
		if !used[fmt.Sprint(limit)] {
			room--
		}
	}
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: limit, Max: limit})
}

// program is a server in a process of its own.
type program struct {
	t       *testing.T
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	reports *bufio.Scanner
	stderr  bytes.Buffer
	addr    netip.AddrPort
}

func startProgram(t *testing.T, config programConfig) *program {
	t.Helper()
	testenv.Check(t)
	argument, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	p := &program{t: t, cmd: testenv.Program(t, "serve", string(argument))}
	p.cmd.Stderr = &p.stderr
	p.cmd.WaitDelay = patience
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	p.reports = bufio.NewScanner(stdout)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			p.cmd.Process.Kill()
			p.cmd.Wait()
		}
		if t.Failed() && p.stderr.Len() > 0 {
			t.Logf("standard error:\n%s", p.stderr.String())
		}
	})
	ready := p.next()
	if ready.Ended {
		t.Fatalf("serve: %s", ready.Err)
	}
	p.addr = ready.Addr
	return p
}

func (p *program) next() programReport {
	p.t.Helper()
	var r programReport
	if !p.reports.Scan() {
		p.cmd.Wait()
		p.t.Fatalf("the server reports nothing more: %v, %s", p.cmd.ProcessState, p.stderr.String())
	}
	if err := json.Unmarshal(p.reports.Bytes(), &r); err != nil {
		p.t.Fatal(err)
	}
	return r
}

// report is what the server counts now.
func (p *program) report() programReport {
	p.t.Helper()
	io.WriteString(p.stdin, "\n")
	return p.next()
}

// stop drains the server, which must end well and say nothing.
func (p *program) stop() programReport {
	p.t.Helper()
	p.stdin.Close()
	r := p.next()
	if err := p.cmd.Wait(); err != nil || !r.Ended || r.Err != "" {
		p.t.Errorf("the server ended with %v, %+v", err, r)
	}
	return r
}

// lines is what the server wrote on standard error. It has ended.
func (p *program) lines() []string {
	return strings.Split(strings.TrimSuffix(p.stderr.String(), "\n"), "\n")
}
