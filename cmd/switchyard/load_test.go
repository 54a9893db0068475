package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"switchyard/internal/load"
)

// httpServer is a server that is not ours.
func httpServer(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.Error(w, "no", http.StatusNotFound)
			return
		}
		io.WriteString(w, "hello\n")
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestLoadJSON(t *testing.T) {
	o := runCommand(t, "load", httpServer(t)+"/", "--clients", "2", "--duration", "200ms",
		"--warmup", "50ms", "--format", "json")
	if o.code != exitDone || o.stderr != "" {
		t.Fatalf("exit code %d, standard error %q", o.code, o.stderr)
	}
	v := decode(t, o.stdout, load.Schema)
	if n := v["requests"].(float64); n < 1 {
		t.Errorf("%v requests", n)
	}
	if n := v["errors"].(float64); n != 0 {
		t.Errorf("%v errors: %v", n, v["errors_by_kind"])
	}
	if q := v["latency_us"].(map[string]any); q["p50"].(float64) <= 0 ||
		q["p99"].(float64) < q["p50"].(float64) {
		t.Errorf("latency %v", q)
	}
}

func TestLoadText(t *testing.T) {
	o := runCommand(t, "load", httpServer(t)+"/", "--clients", "2", "--duration", "200ms", "--rate",
		"200", "--arrivals", "poisson",
		"--seed", "7", "--requests-per-conn", "5", "--idle", "3")
	if o.code != exitDone || o.stderr != "" {
		t.Fatalf("exit code %d, standard error %q\n%s", o.code, o.stderr, o.stdout)
	}
	for _, want := range []string{"open loop, 200 requests/s, poisson arrivals (seed 7); 2 clients on 1 thread, 5 requests per connection, 3 idle connections",
		"requests/s", "errors 0", "p99.9", "latency "} {
		if !strings.Contains(strings.Join(strings.Fields(o.stdout), " "), want) {
			t.Errorf("no %q in:\n%s", want, o.stdout)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	const target = "http://127.0.0.1:1/"
	for _, c := range []struct {
		args  []string
		words []string
	}{
		{[]string{target, "--clients", "0"}, []string{"--clients 0"}},
		{[]string{target, "--duration", "0s"}, []string{"--duration 0s"}},
		{[]string{target, "--rate", "-1"}, []string{"--rate -1"}},
		{[]string{target, "--idle", "-1"}, []string{"--idle -1"}},
		{[]string{target, "--threads", "0"}, []string{"--threads 0"}},
		{[]string{target, "--bytes", "0"}, []string{"--bytes 0"}},
		{[]string{target, "--bytes", "8"}, []string{"--bytes 8", "echo://"}},
		{[]string{target, "--arrivals", "poisson"}, []string{"--arrivals poisson", "--rate"}},
		{[]string{target, "--spin", "1ms"}, []string{"--spin 1ms", "--rate"}},
		{[]string{"echo://127.0.0.1:1", "--bytes", "99999999"},
			[]string{"--bytes 99999999: want 1"}},
		{[]string{target, "--clients", "1048576"}, []string{"1048576 connections need", "ulimit"}},
		{[]string{target, "--arrivals", "random"}, []string{"constant or poisson"}},
		{[]string{"127.0.0.1:80"}, []string{"http://HOST:PORT/PATH or echo://HOST:PORT"}},
		{[]string{"https://example.com/"}, []string{"TLS"}},
		{[]string{"http://h/\x1b[2J"}, []string{`\x1b`}},
		{[]string{target, "--control-fd", "987654"}, []string{"no such descriptor"}},
	} {
		mustFail(t, exitUsage, append([]string{"load"}, c.args...), c.words...)
	}
}

func TestLoadUnreachable(t *testing.T) {
	// A port that was free a moment ago.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	mustFail(t, exitFailed, []string{"load", "http://" + addr + "/", "--duration", "1s"}, addr,
		"refused", "start the server")
	mustFail(t, exitFailed, []string{"load", "echo://" + addr, "--duration", "1s"}, addr, "refused")
}

// A run of which no request is answered well has failed, and says how.
func TestLoadAllErrors(t *testing.T) {
	o := runCommand(t, "load", httpServer(t)+"/nowhere", "--clients", "1", "--duration", "50ms")
	if o.code != exitFailed || !strings.Contains(o.stderr, "no request was answered well") ||
		!strings.Contains(o.stdout, "status_4xx") {
		t.Errorf("exit code %d, standard error %q, standard output:\n%s", o.code,
			o.stderr, o.stdout)
	}
}

// controlled runs load with a control descriptor; ours is the other end.
func controlled(t *testing.T, signals chan os.Signal, args ...string) (ours *net.UnixConn,
	result func() outcome) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	f, theirs := os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "theirs")
	c, err := net.FileConn(f)
	f.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	fd := duplicate(t, theirs)
	theirs.Close()
	stdout, stderr, code := newRecorder(), newRecorder(), make(chan int, 1)
	go func() {
		code <- Main(Env{Args: append([]string{"load", "--control-fd", fd}, args...),
			Stdout: stdout, Stderr: stderr, Interrupts: signals})
	}()
	return c.(*net.UnixConn), func() outcome {
		t.Helper()
		select {
		case code := <-code:
			return outcome{code, stdout.String(), stderr.String()}
		case <-time.After(patience):
			t.Fatalf("load did not end in %v", patience)
			return outcome{}
		}
	}
}

func hear(t *testing.T, c io.Reader, want string) {
	t.Helper()
	// One byte at a time, so that nothing behind the line is taken.
	if line, err := bufio.NewReaderSize(c, 16).ReadString('\n'); line != want+"\n" || err != nil {
		t.Fatalf("heard %q, %v; want %q", line, err, want)
	}
}

func TestLoadControl(t *testing.T) {
	c, result := controlled(t, nil, httpServer(t)+"/", "--clients", "1", "--duration", "100ms",
		"--format", "json")
	hear(t, c, "ready")
	io.WriteString(c, "go\n")
	hear(t, c, "done")
	io.WriteString(c, "end\n")
	o := result()
	if o.code != exitDone || o.stderr != "" {
		t.Fatalf("exit code %d, standard error %q", o.code, o.stderr)
	}
	if v := decode(t, o.stdout, load.Schema); v["requests"].(float64) < 1 {
		t.Errorf("no requests: %v", v)
	}
}

func TestLoadControlGoneOrWrong(t *testing.T) {
	url := httpServer(t) + "/"
	c, result := controlled(t, nil, url, "--duration", "100ms")
	hear(t, c, "ready")
	c.Close()
	if o := result(); o.code != exitFailed || o.stdout != "" || !strings.Contains(o.stderr, "is gone") {
		t.Errorf("the controller went before the window: %+v", o)
	}
	c, result = controlled(t, nil, url, "--duration", "100ms")
	hear(t, c, "ready")
	io.WriteString(c, "stop\n")
	if o := result(); o.code != exitFailed || !strings.Contains(o.stderr, `"stop\n"`) {
		t.Errorf("the controller said something else: %+v", o)
	}
	signals := make(chan os.Signal, 1)
	c, result = controlled(t, signals, url, "--duration", "100ms")
	hear(t, c, "ready")
	signals <- unix.SIGINT
	if o := result(); o.code != exitFailed || !strings.Contains(o.stderr, "interrupted before anything was measured") {
		t.Errorf("interrupted while waiting for the controller: %+v", o)
	}
}

// A run that is interrupted still shows what it has.
func TestLoadInterrupted(t *testing.T) {
	signals := make(chan os.Signal, 1)
	var once sync.Once
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "hello\n")
		// Without a warm-up the first request is in the window.
		once.Do(func() { signals <- unix.SIGINT })
	}))
	t.Cleanup(s.Close)
	stdout, stderr := newRecorder(), newRecorder()
	code := Main(Env{
		Args:   []string{"load", s.URL + "/", "--clients", "1", "--duration", "10m", "--format", "json"},
		Stdout: stdout, Stderr: stderr, Interrupts: signals,
	})
	if code != exitFailed || !strings.HasPrefix(stderr.String(), "switchyard: interrupted: the result covers ") {
		t.Errorf("exit code %d, standard error %q", code, stderr)
	}
	if v := decode(t, stdout.String(), load.Schema); v["interrupted"] != true {
		t.Errorf("result not marked: %v", v["interrupted"])
	}
}

// A load that was stopped and goes on has stood still, and the server has not: it says so, and the
// server is not blamed.
func TestLoadAfterAStop(t *testing.T) {
	signals := make(chan os.Signal, 2)
	var once sync.Once
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "hello\n")
		// Without a warm-up the first request is in the window.
		once.Do(func() { signals <- unix.SIGCONT; signals <- unix.SIGINT })
	}))
	t.Cleanup(s.Close)
	stdout := newRecorder()
	Main(Env{
		Args: []string{"load", s.URL + "/", "--clients", "1", "--duration", "10m", "--rate", "100000",
			"--format", "json"},
		Stdout: stdout, Stderr: newRecorder(), Interrupts: signals,
	})
	v := decode(t, stdout.String(), load.Schema)
	if n := v["generator"].(map[string]any)["continued"]; n != 1.0 {
		t.Errorf("went on %v times", n)
	}
	warnings := fmt.Sprint(v["warnings"])
	if !strings.Contains(warnings, "told to go on 1 time, as after Ctrl-Z") ||
		strings.Contains(warnings, "does not keep up") {
		t.Errorf("warnings: %s", warnings)
	}
}
