// Package report renders results as text, JSON, CSV and Markdown. It is pure:
// values in, bytes out.
package report

import (
	"fmt"

	"switchyard/internal/rounds"
	"switchyard/internal/stats"
	"switchyard/trace/event"
	"switchyard/trace/hist"
)

// CompareSchema names the JSON form of Compare. Keys may be added to it; a key
// that changes its meaning changes the number.
const CompareSchema = "switchyard.compare/1"

// Compare is the result of `switchyard compare`: one row a model.
type Compare struct {
	Schema  string         `json:"schema"`
	Host    Host           `json:"host"`
	Options rounds.Options `json:"options"`
	Models  []ModelRow     `json:"models"`
	// Columns are those that probes were asked for: each row has a member by the name of each, null
	// if it was not counted, and NAME_per_request beside it.
	Columns  []event.Column `json:"columns,omitempty"`
	Warnings []string       `json:"warnings,omitempty"`
	// ProbeCost is what the probes of the rounds that count added, measured after
	// the run. Rates, latencies and CPU time are of rounds without them.
	ProbeCost []ProbeCost `json:"probe_cost,omitempty"`
	// Interrupted is set when the run was stopped before all rounds were done.
	Interrupted bool `json:"interrupted,omitempty"`
}

// Host is the machine the numbers are of.
type Host struct {
	event.Host
	// What else the machine did during the run, as shares of all CPU time, 0 to 1; nil where that
	// was not measured.
	StealShare *float64
	OtherShare *float64
}

// ModelRow is what one model did, all rounds together. A column that could not
// be measured is nil here and null in JSON.
type ModelRow struct {
	Model     string `json:"model"`
	Workers   int    `json:"workers"` // made in advance; 0 where there are none to choose
	Available bool   `json:"available"`
	Reason    string `json:"reason"`
	// Program is what the server started for each connection, where it started one.
	Program string `json:"program,omitempty"`

	// Requests is the number of requests that the row's counts are of, in the
	// CountRounds rounds with probes attached; without any, RateRequests.
	// RateRequests were answered in the Rounds rounds without probes, which rate,
	// latency and CPU time are of.
	Requests          uint64           `json:"requests"`
	RateRequests      uint64           `json:"rate_requests"`
	Rounds            int              `json:"rounds"`
	CountRounds       int              `json:"count_rounds"`
	Errors            uint64           `json:"errors"`
	ErrorKinds        map[string]int64 `json:"errors_by_kind,omitempty"`
	Unfinished        uint64           `json:"unfinished"`
	RequestsPerSecond *float64         `json:"requests_per_second"`
	Rate              stats.Estimate   `json:"requests_per_second_estimate"`
	Latency           *stats.Quantiles `json:"latency_us"`

	Traced      bool   `json:"traced"`
	TraceReason string `json:"trace_reason"`

	Switches       *Switches       `json:"switches"`
	RunQueue       *hist.Quantiles `json:"run_queue_latency_us"`
	WakeupLatency  *hist.Quantiles `json:"wakeup_latency_us"`
	OnCPUSpan      *hist.Quantiles `json:"on_cpu_span_us"`
	Blocked        *hist.Quantiles `json:"blocked_us"`
	Wakeups        *uint64         `json:"wakeups"`
	Migrations     *uint64         `json:"migrations"`
	Forks          *uint64         `json:"forks"`
	Execs          *uint64         `json:"execs"`
	Exits          *uint64         `json:"exits"`
	ThreadsCreated *uint64         `json:"threads_created"`
	PageFaults     *uint64         `json:"page_faults"`
	// Values are what probes that were asked for counted: see values.go.
	Values event.Values `json:"-"`

	// Throttled is of the server's cgroups while there was load, in all rounds,
	// with probes and without.
	Throttled      *event.Throttling `json:"throttled"`
	CPU            *CPUPerRequest    `json:"cpu_us_per_request"`
	PSSPerConn     *float64          `json:"pss_bytes_per_connection"`
	PSSConnections int               `json:"pss_connections,omitempty"`
	LostEvents     uint64            `json:"lost_events"`
	// ProbeShare is the probes' part of the server's CPU time in the rounds that
	// count, by ProbeCost and what was counted.
	ProbeShare      *float64  `json:"probe_cpu_share,omitempty"`
	Checks          Checks    `json:"checks"`
	Notes           []string  `json:"notes,omitempty"`
	RoundsPerSecond []float64 `json:"rounds_requests_per_second,omitempty"`
	// LoadWarnings are the load generator's own reasons to doubt a round.
	LoadWarnings []string `json:"load_warnings,omitempty"`
	// Missing says why a column of this row is empty, by the column's key.
	Missing map[string]string `json:"missing,omitempty"`
}

// Switches counts context switches of the server's tasks.
type Switches struct {
	event.Switches
	// PerRequest is Total over the requests of the same window.
	PerRequest float64 `json:"per_request"`
}

// CPUPerRequest is the server's CPU time per request, in microseconds.
type CPUPerRequest struct {
	User   float64 `json:"user"`
	System float64 `json:"system"`
}

// Checks are sums that must add up (docs: measurement), over all rounds of a model. In the check
// rounds.RequestsCheck Traced is what the server counted and Kernel what its clients did.
type Checks []event.Check

// Difference says in words by how much a check failed.
func Difference(k event.Check) string {
	one, other := "traced", "kernel"
	if k.Name == rounds.RequestsCheck {
		one, other = "server", "clients"
	}
	return fmt.Sprintf("%s %d, %s %d, difference %d", one, k.Traced, other, k.Kernel,
		int64(k.Traced-k.Kernel))
}
