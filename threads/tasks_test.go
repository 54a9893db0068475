package threads

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"switchyard"
	"switchyard/internal/proc"
	"switchyard/internal/testenv"
	"switchyard/internal/testenv/testserver"
)

func TestTaskBudget(t *testing.T) {
	looks, room := 0, proc.TaskReserve+100
	b := taskBudget{look: func() (int, string) { looks++; return room, "a limit" }}
	made := 0
	for b.spend() {
		made++
		room-- // what it makes counts
		if made > 1000 {
			t.Fatal("the budget never ends")
		}
	}
	if made < 95 || made > 100 {
		t.Errorf("%d threads made where there was room for 100", made)
	}
	if looks > 20 {
		t.Errorf("looked %d times", looks)
	}
	room = proc.TaskReserve + 1
	if !b.spend() || b.spend() && looks < 2 {
		t.Error("room for one more is not used")
	}
	// What others make counts too, after a while.
	room = proc.TaskReserve + 1000
	for !b.spend() {
	}
	room, b.until = 0, time.Now().Add(-time.Second)
	if b.spend() {
		t.Error("a limit that others have reached is not seen")
	}
}

// A thread for each connection, where only three more can be made: accepting pauses, and goes on
// when a connection closes.
func TestPerConnWithoutTasks(t *testing.T) {
	const most = 3
	r := testserver.Serve(t, func(o switchyard.Options) (switchyard.Server, error) {
		s, err := listen(o.WithDefaults())
		if err != nil {
			return nil, err
		}
		s.start = func() error {
			return s.startPerConn(&taskBudget{look: func() (int, string) {
				return proc.TaskReserve + most - int(s.active.Load()), "a limit"
			}})
		}
		return s, nil
	}, switchyard.Options{Protocol: switchyard.Echo})
	servesThrough(t, netip.MustParseAddrPort(r.Address), 10, func() uint64 {
		if n := r.Counters.Active(); n > most {
			t.Errorf("%d connections served, there is room for %d", n, most)
		}
		return r.Counters.Paused.Load()
	})
}

// servesThrough connects n echo clients, sees accepting pause, and has all of them served as those
// before them leave.
func servesThrough(t *testing.T, addr netip.AddrPort, n int, paused func() uint64) {
	t.Helper()
	var clients []net.Conn
	for range n {
		c, err := net.Dial("tcp", addr.String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(testenv.Patience))
		io.WriteString(c, "x")
		clients = append(clients, c)
	}
	testenv.Eventually(t, "accepting pauses", func() bool { return paused() > 0 })
	for i, c := range clients { // in the order they are accepted
		if _, err := c.Read(make([]byte, 1)); err != nil {
			t.Fatalf("client %d: %v", i, err)
		}
		c.Close()
	}
}

// fewTasksProgram is a process of a user who may have few tasks. It serves with a thread for each
// connection, says where, and then for each line of input how often accepting has paused.
func fewTasksProgram() int {
	if err := testenv.LimitTasks(20); err != nil {
		fmt.Println(err)
		return 1
	}
	pool, err := listen(switchyard.Options{Workers: 500}.WithDefaults())
	if err != nil {
		fmt.Println(err)
		return 1
	}
	pool.start = func() error { return pool.startPool(500, pool.accept) }
	if err := pool.Serve(context.Background()); err == nil || !strings.Contains(err.Error(), "RLIMIT_NPROC") {
		fmt.Printf("a pool of 500: %v, want an error that names RLIMIT_NPROC\n", err)
		return 1
	}
	model, _ := switchyard.Lookup("threads/per-conn")
	counts := new(switchyard.Counters)
	s, err := model.New(switchyard.Options{
		Protocol: switchyard.Echo, Counters: counts,
		Ready: func(addr netip.AddrPort) { fmt.Println(addr) },
	})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			fmt.Println(counts.Paused.Load())
		}
		cancel()
	}()
	if err := s.Serve(ctx); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// The kernel's own limit is never met: the Go runtime would end the process.
func TestFewTasks(t *testing.T) {
	testenv.Check(t)
	cmd := testenv.Program(t, "few tasks")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	lines.Scan()
	addr, err := netip.ParseAddrPort(lines.Text())
	if err != nil {
		cmd.Wait()
		t.Fatalf("%s\n%s", lines.Text(), stderr.String())
	}
	servesThrough(t, addr, 60, func() uint64 {
		io.WriteString(stdin, "\n")
		if !lines.Scan() {
			cmd.Wait()
			t.Fatalf("it died: %v\n%s", cmd.ProcessState, stderr.String())
		}
		var n uint64
		fmt.Sscan(lines.Text(), &n)
		return n
	})
	stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v\n%s", err, stderr.String())
	}
}
