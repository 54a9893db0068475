package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/serve"
	"switchyard/internal/testenv"
)

// A second signal ends a server of every design at once, also one that computes for a client, and
// would for hours.
func TestServeSecondSignal(t *testing.T) {
	for _, m := range switchyard.Models() {
		if m.Available() != nil {
			continue // the conformance suite says so
		}
		t.Run(m.Name, func(t *testing.T) {
			const forHours = "1000000000"
			cmd := testenv.Program(t, "switchyard", "serve", m.Name, "--listen", "127.0.0.1:0",
				"--grace", "1h", "--workers", "2", "--spins", forHours)
			stderr := newRecorder()
			cmd.Stderr = stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan struct{})
			go func() {
				cmd.Wait()
				close(ended)
			}()
			t.Cleanup(func() {
				cmd.Process.Kill()
				<-ended
			})
			c, err := net.Dial("tcp", stderr.line(t, "listening on "))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(patience))
			io.WriteString(c, "GET / HTTP/1.1\r\n\r\nGET /work?us=10000000 HTTP/1.1\r\n\r\n")
			if _, err := c.Read(make([]byte, 1)); err != nil { // what follows has been read too
				t.Fatal(err)
			}
			deadline := time.After(patience)
			for again := time.NewTicker(serve.SameSignal); ; { // two at once are one
				cmd.Process.Signal(unix.SIGTERM)
				select {
				case <-again.C:
					continue
				case <-ended:
				case <-deadline:
					t.Fatalf("it does not end:\n%s", stderr)
				}
				break
			}
			if code, said := cmd.ProcessState.ExitCode(), stderr.String(); code != exitFailed ||
				!strings.Contains(said, "a second signal ended the drain") {
				t.Errorf("exit code %d:\n%s", code, said)
			}
		})
	}
}

// Every signal that would end a program drains a server, that of a closed terminal too.
func TestServeDrainsAtEverySignal(t *testing.T) {
	for _, s := range endings {
		t.Run(unix.SignalName(s.(unix.Signal)), func(t *testing.T) {
			stderr := newRecorder()
			cmd := testenv.Program(t, "switchyard", "serve", "poll/epoll", "--listen",
				"127.0.0.1:0", "--spins", "1000")
			cmd.Stderr = stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			c, err := net.Dial("tcp", stderr.line(t, "listening on "))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(patience))
			io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			if _, err := c.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			cmd.Process.Signal(s)
			if err := cmd.Wait(); err != nil {
				t.Errorf("%v:\n%s", err, stderr)
			}
			stderr.line(t, "served 1 request on 1 connection in ")
		})
	}
}

// A server that is stopped, as by Ctrl-Z, and goes on answers what was asked meanwhile, and drains
// as ever.
func TestServeGoesOnAfterAStop(t *testing.T) {
	for _, model := range []string{"fork/per-conn", "poll/epoll", "threads/pool"} {
		t.Run(model, func(t *testing.T) {
			stderr := newRecorder()
			cmd := testenv.Program(t, "switchyard", "serve", model, "--listen", "127.0.0.1:0",
				"--spins", "1000")
			cmd.Stderr = stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			addr := stderr.line(t, "listening on ")
			cmd.Process.Signal(unix.SIGSTOP)
			testenv.Eventually(t, "it is stopped", func() bool {
				stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", cmd.Process.Pid))
				return err == nil && strings.Contains(string(stat), ") T ")
			}, stderr.String)
			c, err := net.Dial("tcp", addr) // the kernel's queue takes it
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(patience))
			io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			cmd.Process.Signal(unix.SIGCONT)
			reply := make([]byte, 12)
			if _, err := io.ReadFull(c, reply); err != nil || string(reply) != "HTTP/1.1 200" {
				t.Errorf("%q, %v", reply, err)
			}
			cmd.Process.Signal(unix.SIGTERM)
			if err := cmd.Wait(); err != nil {
				t.Errorf("%v:\n%s", err, stderr)
			}
			stderr.line(t, "served 1 request on 1 connection in ")
		})
	}
}
