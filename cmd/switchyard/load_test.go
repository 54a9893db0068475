package main

import (
	"bufio"
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
	interval "switchyard/internal/stats"
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
	o := runCommand(t, "load", httpServer(t)+"/", "--clients", "2", "--duration", "200ms", "--warmup", "50ms", "--format", "json")
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
	if q := v["latency_us"].(map[string]any); q["p50"].(float64) <= 0 || q["p99"].(float64) < q["p50"].(float64) {
		t.Errorf("latency %v", q)
	}
}

func TestLoadText(t *testing.T) {
	o := runCommand(t, "load", httpServer(t)+"/", "--clients", "2", "--duration", "200ms", "--rate", "200", "--arrivals", "poisson",
		"--seed", "7", "--requests-per-conn", "5", "--idle", "3")
	if o.code != exitDone || o.stderr != "" {
		t.Fatalf("exit code %d, standard error %q\n%s", o.code, o.stderr, o.stdout)
	}
	for _, want := range []string{"open loop, 200 requests/s, poisson arrivals (seed 7); 2 clients on 1 thread, 5 requests per connection, 3 idle connections",
		"requests/s", "errors       0", "p99.9", "latency  "} {
		if !strings.Contains(o.stdout, want) {
			t.Errorf("no %q in:\n%s", want, o.stdout)
		}
	}
}

// The report of a result that is known, to the letter.
func TestLoadTextGolden(t *testing.T) {
	r := &load.Result{
		Target: "http://h/", Address: "10.0.0.1:80",
		Options:  load.Options{Loop: "closed", Clients: 16, Threads: 2},
		Requests: 12345, Errors: 3, RequestsPerSecond: 6172.5,
		Window: load.Window{Seconds: 2},
		ErrorsByKind: []load.ErrorCount{
			{Kind: load.ConnectRefused, Count: 2, BeforeSend: true, Example: "connection\nrefused"},
			{Kind: load.Timeout, Count: 1},
		},
		Bytes:       load.Bytes{Read: 1000, Written: 500},
		Connections: load.Connections{Opened: 1, OpenedInAll: 17, Reconnects: 2},
		Latency: load.Quantiles{Count: 12000, Unanswered: 345, P50: 12.345, P90: 99.96, P99: 300_000, P999: 300_000, Max: 300_000, Mean: 3.14159,
			AtLeast: interval.AtLeastMean | interval.AtLeastP99 | interval.AtLeastP999 | interval.AtLeastMax},
		Generator: load.Generator{CPUShare: 0.425},
		Warnings:  []string{"something is \x1b[31mwrong"},
	}
	var b strings.Builder
	if err := writeLoadText(&b, r); err != nil {
		t.Fatal(err)
	}
	const want = `target       http://h/ (10.0.0.1:80)
load         closed loop; 16 clients on 2 threads
requests     12345 in 2.00 s: 6172 requests/s
errors       3: 2 connect_refused (connection; refused), 1 timeout
connections  1 opened in the window, 17 in all; 2 requests sent again, as the server had closed a kept one
bytes        1000 read, 500 written
generator    42 % of 2 CPUs

µs       p50   p90    p99     p99.9   max     mean      count
latency  12.3  100.0  >300ms  >300ms  >300ms  >3.14µs   12345

warning: something is \x1b[31mwrong
`
	if got := b.String(); squeeze(got) != squeeze(want) {
		t.Errorf("report:\n%s\nwant:\n%s", got, want)
	}
}

// squeeze makes runs of blanks one: how wide a column is belongs to the
// library.
func squeeze(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		b.WriteString(strings.Join(strings.Fields(line), " ") + "\n")
	}
	return b.String()
}

func TestLoadRefuses(t *testing.T) {
	const target = "http://127.0.0.1:1/"
	for _, c := range []struct {
		args  []string
		words []string
	}{
		{[]string{target, "--clients", "0"}, []string{"clients 0"}},
		{[]string{target, "--duration", "0s"}, []string{"duration 0s"}},
		{[]string{target, "--rate", "-1"}, []string{"rate -1"}},
		{[]string{target, "--idle", "-1"}, []string{"idle -1"}},
		{[]string{target, "--threads", "0"}, []string{"--threads 0"}},
		{[]string{target, "--bytes", "0"}, []string{"--bytes 0"}},
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
	mustFail(t, exitFailed, []string{"load", "http://" + addr + "/", "--duration", "1s"}, addr, "refused", "start the server")
	mustFail(t, exitFailed, []string{"load", "echo://" + addr, "--duration", "1s"}, addr, "refused")
}

// A run of which no request is answered well has failed, and says how.
func TestLoadAllErrors(t *testing.T) {
	o := runCommand(t, "load", httpServer(t)+"/nowhere", "--clients", "1", "--duration", "50ms")
	if o.code != exitFailed || !strings.Contains(o.stderr, "no request was answered well") || !strings.Contains(o.stdout, "status_4xx") {
		t.Errorf("exit code %d, standard error %q, standard output:\n%s", o.code, o.stderr, o.stdout)
	}
}

// controlled runs load with a control descriptor; ours is the other end.
func controlled(t *testing.T, signals chan os.Signal, args ...string) (ours *net.UnixConn, result func() outcome) {
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
		code <- Main(Env{Args: append([]string{"load", "--control-fd", fd}, args...), Stdout: stdout, Stderr: stderr, Interrupts: signals})
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
	c, result := controlled(t, nil, httpServer(t)+"/", "--clients", "1", "--duration", "100ms", "--format", "json")
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

func TestDecimal(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.004: "0.00", 1.234: "1.23", 12.34: "12.3", 123.4: "123", 1234567.8: "1234568"} {
		if got := decimal(v); got != want {
			t.Errorf("decimal(%v) = %q, want %q", v, got, want)
		}
	}
}
