package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"switchyard/internal/child"
	"switchyard/internal/serve"
	"switchyard/internal/testenv"
)

// A serving is a serve command that runs in this process.
type serving struct {
	*testenv.Background
	t       *testing.T
	addr    string
	stderr  *recorder
	stdout  *recorder
	signals chan os.Signal
	code    int // the exit code, at the end
}

// startServe runs serve with args and waits until it listens. It has ended when the test ends.
func startServe(t *testing.T, args ...string) *serving {
	t.Helper()
	s := &serving{t: t, stderr: newRecorder(), stdout: newRecorder(),
		signals: make(chan os.Signal, 4)}
	s.Background = testenv.Start(t, func() error {
		s.code = Main(Env{
			Args: append([]string{"serve", "--listen", "127.0.0.1:0", "--spins", "1000"},
				args...),
			Stdout:     s.stdout,
			Stderr:     s.stderr,
			Interrupts: s.signals,
		})
		return nil
	}, func() { s.signals <- unix.SIGTERM })
	s.addr = s.stderr.line(t, "listening on ")
	return s
}

// wait waits for the command's end and returns its exit code.
func (s *serving) wait() int {
	s.t.Helper()
	s.Wait()
	return s.code
}

// get asks for / over a connection of its own.
func (s *serving) get() {
	s.t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	r, err := client.Get("http://" + s.addr + "/")
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	if body, err := io.ReadAll(r.Body); err != nil || r.StatusCode != http.StatusOK ||
		len(body) == 0 {
		s.t.Fatalf("GET /: %s, %d bytes, %v", r.Status, len(body), err)
	}
}

// duplicate gives a command a descriptor of its own that it takes over. It is not closed on exec,
// as none is that was inherited.
func duplicate(t *testing.T, f *os.File) string {
	t.Helper()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD, 3)
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(fd)
}

func TestServeDrains(t *testing.T) {
	for _, model := range []string{"poll/epoll", "fork/prefork", "threads/pool"} {
		t.Run(model, func(t *testing.T) {
			s := startServe(t, model)
			s.get()
			s.get()
			s.signals <- unix.SIGTERM
			if code := s.wait(); code != exitDone {
				t.Errorf("exit code %d after a drain:\n%s", code, s.stderr)
			}
			s.stderr.line(t, "served 2 requests on 2 connections in ")
			if out := s.stdout.String(); out != "" {
				t.Errorf("standard output %q, want none", out)
			}
			if _, err := net.Dial("tcp", s.addr); err == nil {
				t.Errorf("%s still listens", s.addr)
			}
		})
	}
}

func TestServeEcho(t *testing.T) {
	s := startServe(t, "poll/poll", "--protocol", "echo", "-q")
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Write([]byte("hello\n")); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(c).ReadString('\n'); line != "hello\n" {
		t.Errorf("echo %q, %v", line, err)
	}
	c.Close()
	s.signals <- unix.SIGTERM
	if code := s.wait(); code != exitDone {
		t.Errorf("exit code %d after a drain", code)
	}
	if got, want := s.stderr.String(), "listening on "+s.addr+"\n"; got != want {
		t.Errorf("standard error with -q %q, want %q", got, want)
	}
}

// A drain that would take 30 s is ended by a second signal.
func TestSecondSignalEndsTheDrain(t *testing.T) {
	s := startServe(t, "poll/epoll", "--grace", "30s")
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	// One request answered shows that the connection was accepted; the second is begun and never
	// ends.
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HT"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	s.signals <- unix.SIGTERM
	time.Sleep(2 * serve.SameSignal) // no state: it is a second signal only after that time
	s.signals <- unix.SIGTERM
	if code := s.wait(); code != exitFailed {
		t.Errorf("exit code %d, want %d", code, exitFailed)
	}
	if d := time.Since(start); d > 20*time.Second {
		t.Errorf("a second signal took %v to end a drain of 30 s", d)
	}
	s.stderr.line(t, "switchyard: serve poll/epoll: a second signal")
}

// timeout(1) sends its signal to the process and to the group of it: that is one request to end,
// and a request in progress is answered.
func TestSameSignalTwiceDrains(t *testing.T) {
	s := startServe(t, "poll/epoll")
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HT"); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(c)
	if _, err := lines.Peek(1); err != nil {
		t.Fatal(err)
	}
	s.signals <- unix.SIGTERM
	s.signals <- unix.SIGTERM
	time.Sleep(serve.SameSignal / 2) // no state: what must not happen would happen now
	if _, err := io.WriteString(c, "TP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if all, err := io.ReadAll(lines); strings.Count(string(all), "200 OK") != 2 || err != nil {
		t.Errorf("replies %q, %v; want two", all, err)
	}
	if code := s.wait(); code != exitDone {
		t.Errorf("exit code %d:\n%s", code, s.stderr)
	}
}

func TestReadyDescriptor(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	fd := duplicate(t, w)
	w.Close()
	// A forking design: no child of it may keep the pipe open.
	s := startServe(t, "fork/prefork", "--ready-fd", fd)
	r.SetDeadline(time.Now().Add(patience))
	if all, err := io.ReadAll(r); len(all) != 1 || err != nil {
		t.Errorf("ready descriptor: %q, %v; want one byte and the end", all, err)
	}
	s.get()
}

// A parent that went away before the server was ready is no reason to die.
func TestReadyDescriptorNobodyReads(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	fd := duplicate(t, w)
	w.Close()
	r.Close()
	startServe(t, "poll/epoll", "--ready-fd", fd).get()
}

func TestStatsDescriptor(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|
		unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "theirs")
	defer ours.Close()
	fd := duplicate(t, theirs)
	theirs.Close()
	s := startServe(t, "fork/per-conn", "--stats-fd", fd)
	s.get()
	ours.SetDeadline(time.Now().Add(patience))
	lines := bufio.NewReader(ours)
	ask := func() child.Stats {
		t.Helper()
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		var v child.Stats
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&v); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		return v
	}
	// Two bytes at once are two questions.
	if _, err := ours.Write([]byte("??")); err != nil {
		t.Fatal(err)
	}
	first, second := ask(), ask()
	if first.Counters.Accepted != 1 {
		t.Errorf("counters after one connection: %+v", first.Counters)
	}
	if first.Self.User+first.Self.System == 0 || first.Self.Voluntary == 0 {
		t.Errorf("usage of this process: %+v", first.Self)
	}
	if second.Self.Voluntary < first.Self.Voluntary || second.Self.User < first.Self.User {
		t.Errorf("usage went back: %+v, then %+v", first.Self, second.Self)
	}
	// What happened is counted some time after the client has its answer.
	testenv.Eventually(t, "the connection has ended in the counters", func() bool {
		if _, err := ours.Write([]byte("?")); err != nil {
			t.Fatal(err)
		}
		c := ask().Counters
		return c.Closed == 1 && c.Requests == 1 && c.Active == 0 && c.Forks == 1
	})
	// The other end may go; the server stays.
	ours.Close()
	s.get()
}

// A server ends although nobody reads the answers that were asked for.
func TestStatsDescriptorNobodyReads(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|
		unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "theirs")
	defer ours.Close()
	fd := duplicate(t, theirs)
	theirs.Close()
	s := startServe(t, "poll/epoll", "--stats-fd", fd)
	// It writes answers until the socket is full, and then reads no more.
	ours.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
	for {
		if _, err := ours.Write(make([]byte, 4096)); errors.Is(err, os.ErrDeadlineExceeded) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	s.signals <- unix.SIGTERM
	if code := s.wait(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
}

// What the Go runtime has opened by itself was not inherited.
func TestServeRefusesItsOwnDescriptors(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	own := strconv.Itoa(int(w.Fd()))
	mustFail(t, exitUsage, []string{"serve", "poll/epoll", "--ready-fd", own}, "--ready-fd "+own, "no such descriptor was inherited")
	pipe := duplicate(t, w)
	mustFail(t, exitUsage, []string{"serve", "poll/epoll", "--stats-fd", pipe}, "--stats-fd "+pipe, "not a stream socket")
	if fd, err := strconv.Atoi(pipe); err != nil || unix.Close(fd) != nil {
		t.Errorf("descriptor %s is gone", pipe)
	}
}

// Standard output may be the ready descriptor. Its number is not given to a connection then, as
// forked workers keep it.
func TestStandardOutputAsReadyDescriptor(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd := testenv.Program(t, "switchyard", "serve", "fork/per-conn", "--listen", "127.0.0.1:0",
		"--ready-fd", "1")
	stderr := newRecorder()
	cmd.Stdout, cmd.Stderr = w, stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	r.SetDeadline(time.Now().Add(patience))
	if all, err := io.ReadAll(r); len(all) != 1 || err != nil {
		t.Errorf("ready descriptor: %q, %v; want one byte and the end", all, err)
	}
	if what, err := os.Readlink("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/fd/1"); what != "/dev/null" {
		t.Errorf("descriptor 1 is %q, %v", what, err)
	}
	s := serving{t: t, addr: stderr.line(t, "listening on ")}
	s.get()
	if err := cmd.Process.Signal(unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("serve: %v\n%s", err, stderr)
	}
}

func TestServeRefuses(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	mustFail(t, exitUsage, []string{"serve", "poll/epol"}, `unknown model "poll/epol"`, "did you mean poll/epoll")
	mustFail(t, exitUsage, []string{"serve", "\x1b[2J"}, `\x1b[2J`)
	mustFail(t, exitFailed, []string{"serve", never}, never+" cannot run here", "elsewhere")
	for _, listen := range []string{"here", "127.0.0.1", ":8080", "localhost:8080",
		"127.0.0.1:70000", "127.0.0.1:-1"} {
		mustFail(t, exitUsage, []string{"serve", "poll/epoll", "--listen", listen},
			strconv.Quote(listen), "127.0.0.1:8080")
	}
	mustFail(t, exitFailed, []string{"serve", "poll/epoll", "--listen", taken.Addr().String()},
		taken.Addr().String(), "in use", "port 0")
	mustFail(t, exitFailed, []string{"serve", "poll/epoll", "--listen", "192.0.2.1:0"}, "192.0.2.1",
		"no interface")
	mustFail(t, exitUsage, []string{"serve", "poll/epoll", "--max-conns", "0"}, "--max-conns 0")
	mustFail(t, exitUsage, []string{"serve", "poll/epoll", "--workers", "-1"}, "--workers -1")
	mustFail(t, exitUsage, []string{"serve", "fork/per-conn", "--max-conns", "9223372036854775807"},
		"max-conns", "at most")
	mustFail(t, exitUsage, []string{"serve", "poll/epoll-exclusive", "--workers",
		"9223372036854775807"}, "workers", "at most")
	// Serve fails, and there is nothing to sum up.
	mustFail(t, exitFailed, []string{"serve", "threads/pool", "--listen", "127.0.0.1:0",
		"--workers", "1000000", "--max-conns", "1000000"}, "make 1000000 threads")
	mustFail(t, exitFailed, []string{"serve", "poll/epoll-exclusive", "--workers", "11000"},
		"11000 workers", "at most")
	mustFail(t, exitUsage, []string{"serve", "poll/epoll", "--grace", "-1s"}, "--grace -1s")
	mustFail(t, exitUsage, []string{"serve", "poll/epoll", "--protocol", "gopher"}, "http or echo")
	mustFail(t, exitUsage, []string{"serve", "poll/epoll", "--ready-fd", "987654"},
		"--ready-fd 987654", "no such descriptor was inherited")
	mustFail(t, exitUsage, []string{"serve", "poll/epoll", "--stats-fd", "987654"},
		"--stats-fd 987654", "no such descriptor was inherited")
	mustFail(t, exitUsage, []string{"serve", "poll/epoll", "--stats-fd", "-1"}, `--stats-fd "-1"`, "open descriptor")
	mustFail(t, exitUsage, []string{"serve", "poll/epoll", "--stats-fd", "2", "--ready-fd", "2"}, "different descriptors")
}

// bindLow is nil when this user may not listen on a port below 1024.
func bindLow() error {
	l, err := net.Listen("tcp", "127.0.0.1:997")
	if err == nil {
		l.Close()
		return errors.New("listening on port 997 works")
	}
	if errors.Is(err, unix.EADDRINUSE) {
		return err
	}
	return nil
}

func TestServeWithoutPermission(t *testing.T) {
	if bindLow() != nil {
		testenv.Skip(t, "this user may listen on every port", bindLow)
	}
	mustFail(t, exitFailed, []string{"serve", "poll/epoll", "--listen", "127.0.0.1:997"},
		"127.0.0.1:997", "permission denied", "above 1023")
}

// The program as its users run it: a process that gets signals.
func TestServeProcess(t *testing.T) {
	for _, signal := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			// fork/exec runs the binary again for its connection.
			cmd := testenv.Program(t, "switchyard", "serve", "fork/exec", "--listen", "127.0.0.1:0",
				"--ready-fd", "3")
			stderr := newRecorder()
			cmd.Stderr = stderr
			cmd.ExtraFiles = []*os.File{w}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			w.Close()
			r.SetDeadline(time.Now().Add(patience))
			if all, err := io.ReadAll(r); len(all) != 1 || err != nil {
				t.Errorf("ready descriptor: %q, %v; want one byte and the end", all, err)
			}
			s := serving{t: t, addr: stderr.line(t, "listening on ")}
			s.get()
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("serve: %v\n%s", err, stderr)
			}
			stderr.line(t, "served 1 request on 1 connection in ")
		})
	}
}
