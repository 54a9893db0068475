package report

import (
	"strings"
	"testing"

	"switchyard/internal/load"
	"switchyard/internal/stats"
	"switchyard/trace/hist"
)

// The report of a result that is known, to the letter.
func TestLoadTextGolden(t *testing.T) {
	r := &load.Result{
		Target: "http://h/", Address: "10.0.0.1:80",
		Options:  load.Options{Loop: "closed", Clients: 16, Threads: 2},
		Requests: 12345, Errors: 3, RequestsPerSecond: 6172.5,
		Window: load.Window{Seconds: 2},
		ErrorsByKind: []load.ErrorCount{
			{Kind: load.ConnectRefused, Count: 2, BeforeSend: true,
				Example: "connection\nrefused"},
			{Kind: load.Timeout, Count: 1},
		},
		Bytes:       load.Bytes{Read: 1000, Written: 500},
		Connections: load.Connections{Opened: 1, OpenedInAll: 17, Reconnects: 2},
		Latency: load.Quantiles{Count: 12000, Unanswered: 345, Summary: hist.Summary{P50: 12.345,
			P90: 99.96, P99: 300_000, P999: 300_000, Max: 300_000, Mean: 3.14159},
			AtLeast: stats.AtLeastMean | stats.AtLeastP99 | stats.AtLeastP999 | stats.AtLeastMax},
		Generator: load.Generator{CPUShare: 0.425},
		Warnings:  []string{"something is \x1b[31mwrong"},
	}
	var b strings.Builder
	if err := writeLoadText(&b, r, 120); err != nil {
		t.Fatal(err)
	}
	const want = `target       http://h/ (10.0.0.1:80)
load         closed loop; 16 clients on 2 threads
requests     12345 in 2.00 s: 6172 requests/s
errors       3: 2 connect_refused (connection; refused), 1 timeout
connections  1 opened in the window, 17 in all; 2 requests sent again, as the server had closed a kept one
bytes        1000 read, 500 written
generator    42 % of 2 CPUs

           p50   p90    p99  p99.9    max    mean count
───────────────────────────────────────────────────────
latency 12.3µs 100µs >300ms >300ms >300ms >3.14µs 12345

warning: something is \x1b[31mwrong
`
	if got := b.String(); squeeze(got) != squeeze(want) {
		t.Errorf("report:\n%s\nwant:\n%s", got, want)
	}
}

// squeeze makes runs of blanks one: how wide a column is belongs to the library.
func squeeze(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		b.WriteString(strings.Join(strings.Fields(line), " ") + "\n")
	}
	return b.String()
}

func TestDecimal(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.004: "0.00", 1.234: "1.23", 12.34: "12.3",
		123.4: "123", 1234567.8: "1234568"} {
		if got := decimal(v); got != want {
			t.Errorf("decimal(%v) = %q, want %q", v, got, want)
		}
	}
}
