package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/text"

	"switchyard/internal/rounds"
	"switchyard/internal/stats"
	"switchyard/trace/event"
	"switchyard/trace/hist"
	"switchyard/trace/syscalls"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func ptr[T any](v T) *T { return &v }

var sampleColumns = []event.Column{syscalls.Column,
	{Name: "moons", Unit: "moons", Title: "moons that rose"}}

func sample() *Compare {
	rate := func(v ...float64) stats.Estimate { return stats.Median(v) }
	row := func(model string, r stats.Estimate) ModelRow {
		return ModelRow{Model: model, Available: true, Rounds: 5, Requests: 100_000,
			RequestsPerSecond: &r.Median, Rate: r,
			Latency: &stats.Quantiles{Summary: hist.Summary{P50: 96.2, P90: 130, P99: 412,
				P999: 2400, Max: 10_412, Mean: 99}}, Traced: true,
			Switches: &Switches{event.Switches{Voluntary: 50_000, Involuntary: 1000,
				AddressSpace: 7, Lazy: 49_000}, 0.51},
			RunQueue: &hist.Quantiles{N: 51_000, Summary: hist.Summary{Mean: 8, P50: 4, P90: 21,
				P99: 55.5, P999: 301, Max: 4012}}, Wakeups: ptr(uint64(50_000)),
			Migrations: ptr(uint64(3)),
			Forks:      ptr(uint64(0)), Execs: ptr(uint64(0)), Exits: ptr(uint64(0)),
			ThreadsCreated: ptr(uint64(3125)), PageFaults: ptr(uint64(9)),
			Values: event.Values{{Column: sampleColumns[0], Count: 250_000,
				Parts: map[string]uint64{"epoll_wait": 50_000, "read": 100_000, "write": 100_000}},
				{Column: sampleColumns[1], Count: 1}},
			CPU: &CPUPerRequest{User: 2.04, System: 8.4}, PSSPerConn: ptr(2867.2),
			PSSConnections: 16,
			Checks: Checks{{Name: "nvcsw", Status: event.Pass, Traced: 50_000,
				Kernel: 50_000}, {Name: "nivcsw", Status: event.Pass, Traced: 1000, Kernel: 1000}}}
	}
	failed := row("fork/per-conn", rate(2000, 2010, 1990, 2050, 1800))
	failed.Checks[0].Status, failed.Checks[0].Kernel = event.Fail, 50_003
	failed.Forks, failed.PSSPerConn = ptr(uint64(100_000)), ptr(-1500.0)
	failed.Errors, failed.ErrorKinds = 3, map[string]int64{"reset": 2, "timeout": 1}
	failed.Latency.Count, failed.Latency.Unanswered = 980, 20
	failed.Latency.P99, failed.Latency.P999, failed.Latency.Max = 300_000, 300_000, 300_000
	failed.Latency.AtLeast = stats.AtLeastMean | stats.AtLeastP99 | stats.AtLeastP999 |
		stats.AtLeastMax
	untraced := row("threads/pool", rate(70_000, 71_000))
	untraced.Traced, untraced.TraceReason = false, "no permission: \x1b[31mrun as root"
	untraced.Switches, untraced.RunQueue, untraced.Forks = nil, nil, nil
	untraced.ThreadsCreated, untraced.Values, untraced.Checks = nil, nil, nil
	failed.ProbeShare = ptr(0.034)
	failed.Throttled = &event.Throttling{Times: 23, Time: 1_009_000_000,
		Cgroups: []string{"/limited\x1b[31m", "/"}, Read: 2}
	untraced.Throttled = &event.Throttling{Cgroups: []string{}, Read: 2}
	return &Compare{Schema: CompareSchema, Columns: sampleColumns,
		ProbeCost: []ProbeCost{
			{Name: "count", Doc: "count depth, a traced task", Unit: "a switch with its waking",
				Added: rate(301, 310, 290, 320, 280), Without: rate(2400), Events: 1.9},
			{Name: "syscall", Doc: "system calls by name, any task", Unit: "a system call",
				Added: rate(95, 96, 94, 97, 93), Without: rate(140), Events: 1}},
		Host: Host{Host: event.Host{Kernel: "6.18.44", CPUs: 2, Model: "AMD EPYC", Go: "go1.26",
			Root: true}, StealShare: ptr(0.012), OtherShare: ptr(0.0)},
		Options: rounds.Options{Protocol: "http", Path: "/", Clients: 16, DurationSeconds: 0.5,
			Rounds: 5, RequestsPerConn: 32,
			ServerCPUs: "0", LoadCPUs: "1", Seed: 42, Trace: true},
		Models: []ModelRow{failed, row("poll/epoll", rate(81_000, 82_123, 79_000, 85_000, 80_000)),
			row("poll/epoll-et", rate(80_000, 82_000, 79_000, 81_000, 84_000)),
			{Model: "poll/io_uring",
				Reason: "kernel.io_uring_disabled is 2 (sysctl kernel.io_uring_disabled=0)"},
			untraced}}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (go test ./internal/report -update rewrites it); got:\n%s", name, got)
	}
}

func TestWrite(t *testing.T) {
	c := sample()
	var wide, narrow, md, sheet, js bytes.Buffer
	for _, err := range []error{c.WriteText(&wide, 120), c.WriteText(&narrow, 80),
		c.WriteMarkdown(&md), c.WriteCSV(&sheet), c.WriteJSON(&js)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "compare-120.txt", wide.Bytes())
	golden(t, "compare-80.txt", narrow.Bytes())
	golden(t, "compare.md", md.Bytes())
	golden(t, "compare.csv", sheet.Bytes())
	golden(t, "compare.json", js.Bytes())

	for name, b := range map[string]*bytes.Buffer{"wide": &wide, "narrow": &narrow} {
		limit := map[string]int{"wide": 120, "narrow": 80}[name]
		if n := text.LongestLineLen(b.String()); n > limit {
			t.Errorf("%s is %d columns wide", name, n)
		}
		if strings.Contains(b.String(), "\x1b") {
			t.Errorf("%s lets an escape through", name)
		}
		if !strings.HasPrefix(b.String(), "CHECK FAILED: fork/per-conn, nvcsw: traced 50000, kernel 50003, difference -3") {
			t.Errorf("%s does not begin with the failure", name)
		}
	}
	var text bytes.Buffer
	if err := c.WriteJSON(&text); err != nil || !strings.Contains(text.String(), `"requests_per_second": null`) {
		t.Errorf("JSON: %v\n%s", err, text.String())
	}
	rows, err := csv.NewReader(&sheet).ReadAll()
	if err != nil || len(rows) != 1+len(c.Models) {
		t.Errorf("%d rows of CSV, %v", len(rows), err)
	}
	var back Compare
	if err := json.Unmarshal(js.Bytes(), &back); err != nil {
		t.Error(err)
	}
}

// The keys that issue and documentation promise.
func TestJSONKeys(t *testing.T) {
	var b bytes.Buffer
	if err := sample().WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(b.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	need(t, "", doc, "schema", "host.kernel", "host.cpus", "host.go", "host.root", "options.seed", "models")
	for _, m := range doc["models"].([]any) {
		row := m.(map[string]any)
		need(t, row["model"].(string), row, "available", "reason", "requests", "errors",
			"requests_per_second", "latency_us", "traced", "trace_reason", "switches",
			"run_queue_latency_us", "wakeups", "migrations", "forks", "execs", "threads_created",
			"page_faults", "moons", "moons_per_request", "syscalls", "syscalls_per_request",
			"cpu_us_per_request", "pss_bytes_per_connection", "lost_events", "checks")
		if row["traced"] == true {
			need(t, row["model"].(string), row, "latency_us.p50", "latency_us.p90",
				"latency_us.p99", "latency_us.p999", "latency_us.max",
				"switches.total", "switches.voluntary", "switches.involuntary",
				"switches.address_space", "switches.thread", "switches.per_request",
				"run_queue_latency_us.p50", "run_queue_latency_us.p99", "run_queue_latency_us.max",
				"cpu_us_per_request.user", "cpu_us_per_request.system")
			for _, k := range row["checks"].([]any) {
				need(t, "check", k.(map[string]any), "name", "ok", "traced", "kernel")
			}
		}
	}
}

func need(t *testing.T, where string, m map[string]any, keys ...string) {
	t.Helper()
	for _, key := range keys {
		at, ok := m, true
		path := strings.Split(key, ".")
		for i, p := range path {
			v, has := at[p]
			if !has {
				ok = false
				break
			}
			if i < len(path)-1 {
				if at, ok = v.(map[string]any); !ok {
					break
				}
			}
		}
		if !ok {
			t.Errorf("%s: no key %q", where, key)
		}
	}
}

func TestNumbers(t *testing.T) {
	for _, test := range []struct{ got, want string }{
		{ratio(0), "0"}, {ratio(0.0001), "<.001"}, {ratio(0.5), ".500"}, {ratio(2.5), "2.500"},
		{ratio(123.4), "123.4"},
		{micros(0.44), "0.4µ"}, {micros(96), "96µ"}, {micros(10_412), "10m"}, {micros(61e6), "61s"},
		{size(560), "560"}, {size(2867), "3K"}, {size(1 << 20), "1.0M"}, {size(-1500), "-1K"},
		{thousands(999), "999"}, {thousands(1000), "1 000"}, {thousands(1234567), "1 234 567"},
		{Printable("a\x1b[31m\n"), `a\x1b[31m\n`}, {Printable("µs é"), "µs é"},
	} {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}

// What the tracer holds against itself is not called the kernel's.
func TestCheckLines(t *testing.T) {
	pass := func(name string) event.Check { return event.Check{Name: name, Status: event.Pass} }
	bad := event.Check{Name: "life", Status: event.Fail}
	c := Compare{Models: []ModelRow{
		{Checks: Checks{pass("requests"), pass("nvcsw"), pass("tasks"), pass("life"), pass("sum_exec_runtime")}},
		{Checks: Checks{pass("nvcsw"), pass("tasks"), bad,
			{Name: "sum_exec_runtime", Status: event.Unavailable, Reason: "no clock"}}},
	}}
	got := strings.Join(c.checkLines(), "\n")
	want := "Checks against the kernel's own books: nvcsw PASS on 2 of 2; sum_exec_runtime PASS on 1 of 1.\n" +
		"What servers answered and what clients counted: requests PASS on 1 of 1.\n" +
		"The tracer's own sums: tasks PASS on 2 of 2; life FAIL on 1 of 2."
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// A run that was interrupted early has counts and no rates: what there is, is shown, and what there
// is not is no zero.
func TestCountsWithoutRates(t *testing.T) {
	c := sample()
	r := &c.Models[1]
	r.Rounds, r.CountRounds, r.Rate, r.RequestsPerSecond, r.Latency, r.CPU = 0, 1, stats.Estimate{},
		nil, nil, nil
	c.Models = c.Models[1:2]
	var wide, md, sheet bytes.Buffer
	if err := errors.Join(c.WriteText(&wide, 120), c.WriteMarkdown(&md),
		c.WriteCSV(&sheet)); err != nil {
		t.Fatal(err)
	}
	if line := strings.Split(wide.String(), "\n")[3]; strings.Join(strings.Fields(line), " ") != "poll/epoll – – – .500 .010 <.001 56µ 2.500 0 .031 – – 3K <.001" {
		t.Errorf("text: %q", line)
	}
	if line := strings.Split(md.String(), "\n")[2]; !strings.HasPrefix(line, "| `poll/epoll` | – | – | – | .500 |") {
		t.Errorf("Markdown: %q", line)
	}
	rows, err := csv.NewReader(&sheet).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range rows[0] {
		empty := strings.HasPrefix(name, "requests/s") || strings.HasPrefix(name, "latency") ||
			strings.HasPrefix(name, "CPU") || name == "confidence" || name == "latencies at least"
		if got := rows[1][i]; empty != (got == "") && name != "reason" {
			t.Errorf("CSV: %s is %q", name, got)
		}
	}
}

// What is missing for several reasons is said in the same order each time.
func TestEmptyColumnsAreInOrder(t *testing.T) {
	c := Compare{Models: []ModelRow{{Rounds: 1, Traced: true,
		Missing: map[string]string{"a": "no a", "b": "no b", "c": "no c", "d": "no d"}}}}
	const want = "Empty: a: no a. Empty: b: no b. Empty: c: no c. Empty: d: no d."
	for range 20 {
		if got := strings.Join(c.emptyColumns(), " "); got != want {
			t.Fatalf("%q, want %q", got, want)
		}
	}
}
