// Command load measures the load generator beside wrk: the same server, pinned to one CPU, and each
// generator in turn, pinned to another. The order changes from pair to pair (A B, B A, …), so that
// a drift of the machine hits both.
//
//	make build && go run ./bench/load       # print the table
//	go run ./bench/load -docs docs/load.md  # and put it there
//
// It needs wrk and taskset.
package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"switchyard/internal/child"
	"switchyard/internal/load"
	"switchyard/internal/proc"
	"switchyard/internal/stats"
)

type options struct {
	binary, model      string
	clients, docs      string
	pairs              int
	duration           time.Duration
	serverCPU, loadCPU int
}

func main() {
	var o options
	flag.StringVar(&o.binary, "binary", "bin/switchyard", "the program under test")
	flag.StringVar(&o.model, "model", "poll/epoll", "model that serves")
	flag.StringVar(&o.clients, "clients", "1,8,64,256", "numbers of clients, a row each")
	flag.IntVar(&o.pairs, "pairs", 9, "runs of each generator for a row")
	flag.DurationVar(&o.duration, "duration", 2*time.Second,
		"of a run; whole seconds, as wrk takes them")
	flag.IntVar(&o.serverCPU, "server-cpu", 0, "CPU of the server")
	flag.IntVar(&o.loadCPU, "load-cpu", 1, "CPU of the generator")
	flag.StringVar(&o.docs, "docs", "", "file in which to replace the table between the marks")
	flag.Parse()
	var err error
	child.Locked(func() { err = run(context.Background(), o) })
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench/load:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	if o.pairs < 1 || o.duration < time.Second || o.duration%time.Second != 0 {
		return errors.New("want at least one pair and whole seconds")
	}
	for _, tool := range []string{"wrk", "taskset"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%w (Debian: apt-get install wrk util-linux)", err)
		}
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "`switchyard serve %s` on CPU %d, each generator on CPU %d, one thread each; %d runs of %v of each,\n",
		o.model, o.serverCPU, o.loadCPU, o.pairs, o.duration)
	kernel, _ := proc.Uname()
	fmt.Fprintf(&out, "interleaved; median and its %s interval. %s; Linux %s; %s.\n\n",
		confidence(o.pairs), firstLine(exec.Command("wrk", "-v")), kernel,
		cmp.Or(proc.Here.CPUModel(), "CPU unknown"))
	out.WriteString("| clients | wrk -t1, requests/s | switchyard load, requests/s | ratio | wrk, CPU µs/request | switchyard, CPU µs/request |\n")
	out.WriteString("| ---: | ---: | ---: | ---: | ---: | ---: |\n")
	before, err := proc.Here.Stat()
	if err != nil {
		return err
	}
	var ours time.Duration
	began := time.Now()
	for _, s := range strings.Split(o.clients, ",") {
		n, err := strconv.Atoi(s)
		if err != nil {
			return fmt.Errorf("clients %q: want numbers", o.clients)
		}
		row, used, err := measure(ctx, o, n)
		if err != nil {
			return err
		}
		ours += used
		out.WriteString(row)
	}
	after, err := proc.Here.Stat()
	if err != nil {
		return err
	}
	m, wall := after.Sub(before), time.Since(began)
	fmt.Fprintf(&out, "\nMeanwhile other processes used %.2f CPUs, and %.2f were stolen by the hypervisor.\n",
		max(0, (m.Busy-ours).Seconds()/wall.Seconds()), m.Steal.Seconds()/wall.Seconds())
	os.Stdout.Write(out.Bytes())
	if o.docs == "" {
		return nil
	}
	return replace(o.docs, out.String())
}

// measure makes one row; it returns the CPU time of everything it ran, too.
func measure(ctx context.Context, o options, clients int) (row string, used time.Duration,
	err error) {
	server, err := child.StartServer(ctx, child.ServerOptions{Program: o.binary, Model: o.model,
		CPUs: proc.CPUList{o.serverCPU}})
	if err != nil {
		return "", 0, err
	}
	defer func() {
		server.Terminate(5 * time.Second)
		used += server.CPUTime()
	}()
	url := server.URL("/")
	var wrkRate, loadRate, ratio, wrkCost, loadCost []float64
	// One short run that does not count: caches, and the server's first connections.
	if _, err := wrk(o, url, clients, time.Second); err != nil {
		return "", used, err
	}
	for i := range o.pairs {
		var w, l sample
		both := []func() error{
			func() (err error) { w, err = wrk(o, url, clients, o.duration); return err },
			func() (err error) { l, err = ours(o, url, clients); return err },
		}
		if i%2 == 1 {
			both[0], both[1] = both[1], both[0]
		}
		for _, f := range both {
			if err := f(); err != nil {
				return "", used, err
			}
		}
		used += w.cpu + l.cpu
		wrkRate, loadRate = append(wrkRate, w.rate()), append(loadRate, l.rate())
		ratio = append(ratio, l.rate()/w.rate())
		wrkCost, loadCost = append(wrkCost, w.cost()), append(loadCost, l.cost())
		fmt.Fprintf(os.Stderr, "%d clients, pair %d of %d: wrk %.0f, switchyard %.0f requests/s\n",
			clients, i+1, o.pairs, w.rate(), l.rate())
	}
	f := func(v []float64, digits int) string {
		e := stats.Median(v)
		d := func(x float64) string { return strconv.FormatFloat(x, 'f', digits, 64) }
		return d(e.Median) + " (" + d(e.Low) + "–" + d(e.High) + ")"
	}
	return fmt.Sprintf("| %d | %s | %s | %s | %s | %s |\n", clients, f(wrkRate, 0), f(loadRate, 0),
		f(ratio, 3), f(wrkCost, 2), f(loadCost, 2)), used, nil
}

// A sample is one run of a generator.
type sample struct {
	requests float64
	seconds  float64
	cpu      time.Duration // of the whole process, start and end included
}

func (s sample) rate() float64 { return s.requests / s.seconds }
func (s sample) cost() float64 { return float64(s.cpu.Microseconds()) / s.requests }

var wrkLine = regexp.MustCompile(`(\d+) requests in ([\d.]+)(ms|s|m)`)

func wrk(o options, url string, clients int, d time.Duration) (s sample, err error) {
	out, cpu, err := pinned(o.loadCPU, "wrk", "-t1", "-c", strconv.Itoa(clients), "-d",
		strconv.Itoa(int(d/time.Second)), url)
	if err != nil {
		return s, err
	}
	m := wrkLine.FindStringSubmatch(string(out))
	if m == nil || bytes.Contains(out, []byte("Socket errors")) ||
		bytes.Contains(out, []byte("Non-2xx")) {
		return s, fmt.Errorf("wrk says: %s", out)
	}
	s.cpu = cpu
	s.requests, _ = strconv.ParseFloat(m[1], 64)
	took, err := time.ParseDuration(m[2] + m[3])
	s.seconds = took.Seconds()
	return s, err
}

func ours(o options, url string, clients int) (s sample, err error) {
	out, cpu, err := pinned(o.loadCPU, o.binary, "load", url, "--clients", strconv.Itoa(clients),
		"--duration", o.duration.String(), "--format", "json")
	if err != nil {
		return s, err
	}
	var r load.Result
	if err := json.Unmarshal(out, &r); err != nil {
		return s, fmt.Errorf("switchyard load: %w", err)
	}
	if r.Errors > 0 || r.Schema != load.Schema {
		return s, fmt.Errorf("switchyard load had errors: %+v", r.ErrorsByKind)
	}
	return sample{requests: float64(r.Requests), seconds: r.Window.Seconds, cpu: cpu}, nil
}

// pinned runs a command on one CPU.
func pinned(cpu int, args ...string) ([]byte, time.Duration, error) {
	cmd := exec.Command("taskset", append([]string{"-c", strconv.Itoa(cpu)}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", args[0], err)
	}
	return out, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}

const openMark, closeMark = "<!-- bench/load -->\n", "<!-- /bench/load -->\n"

// replace puts text between the marks of a file.
func replace(name, text string) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	head, rest, ok := strings.Cut(string(b), openMark)
	_, tail, ok2 := strings.Cut(rest, closeMark)
	if !ok || !ok2 {
		return fmt.Errorf("%s: no %q … %q", name, openMark, closeMark)
	}
	return os.WriteFile(name, []byte(head+openMark+text+closeMark+tail), 0o644)
}

func confidence(n int) string {
	return fmt.Sprintf("%.0f %%", 100*stats.Median(make([]float64, n)).Confidence)
}

func firstLine(cmd *exec.Cmd) string {
	// wrk -v exits 1.
	out, _ := cmd.CombinedOutput()
	line, _, _ := strings.Cut(string(out), "\n")
	line, _, _ = strings.Cut(line, " Copyright")
	return strings.TrimSpace(line)
}
