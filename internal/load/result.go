package load

import (
	"time"

	"switchyard/internal/stats"
)

// Schema names the JSON form of Result. Keys are added to it, never changed.
const Schema = "switchyard.load/1"

// A Result is what the clients saw in the measured window.
//
// Every request that left in the window is in exactly one of four counts:
//
//	Sent = Requests + Drained + Failed + Unfinished.Requests
type Result struct {
	Schema  string  `json:"schema"`
	Target  string  `json:"target"`
	Address string  `json:"address"` // that the connections went to
	Options Options `json:"options"`

	Interrupted bool   `json:"interrupted"` // ended before its time
	Window      Window `json:"window"`

	Sent     uint64 `json:"sent"`     // requests of which at least one byte left in the window
	Requests uint64 `json:"requests"` // answered well within the window
	Drained  uint64 `json:"drained"`  // answered well after it, while the run waited for stragglers
	Failed   uint64 `json:"failed"`   // sent, then an error: the kinds with before_send false
	Errors   uint64 `json:"errors"`   // all errors, of connecting too

	ErrorsByKind []ErrorCount `json:"errors_by_kind"`
	Unfinished   Unfinished   `json:"unfinished"`
	Unsent       Unsent       `json:"unsent"`
	CarriedOver  CarriedOver  `json:"carried_over"`
	Warmup       Warmup       `json:"warmup"`

	// StarvedClients are those that had no good response in the window.
	StarvedClients int `json:"starved_clients"`

	RequestsPerSecond float64 `json:"requests_per_second"` // Requests by the window's length
	Bytes             Bytes   `json:"bytes"`

	// Latency is of Requests and Drained and, as lower bounds, of those that timed out, of
	// Unfinished.Requests and, in an open loop, of Unsent.
	Latency    Quantiles  `json:"latency_us"`
	Histograms Histograms `json:"histograms"`
	// start of connect to established, of connections opened in the window
	Connect     Quantiles   `json:"connect_us"`
	Connections Connections `json:"connections"`
	Idle        Idle        `json:"idle"`
	Generator   Generator   `json:"generator"`

	// Warnings say what makes the numbers above doubtful, a sentence each.
	Warnings []string `json:"warnings"`
}

// Options are the choices that made the result, defaults filled in.
type Options struct {
	Protocol        Protocol `json:"protocol"`
	Loop            string   `json:"loop"` // closed or open
	Clients         int      `json:"clients"`
	Threads         int      `json:"threads"`
	DurationSeconds float64  `json:"duration_seconds"`
	WarmupSeconds   float64  `json:"warmup_seconds"`
	Rate            float64  `json:"rate"`
	Arrivals        Arrivals `json:"arrivals"`
	RequestsPerConn int      `json:"requests_per_conn"`
	Idle            int      `json:"idle"`
	EchoBytes       int      `json:"echo_bytes"`
	TimeoutSeconds  float64  `json:"timeout_seconds"`
	DrainSeconds    float64  `json:"drain_seconds"`
	SpinSeconds     float64  `json:"spin_seconds"`
	Seed            uint64   `json:"seed"`
}

// A Window is the measured time.
type Window struct {
	Start           time.Time `json:"start"`
	End             time.Time `json:"end"` // when sending stopped
	StartBoottimeNS int64     `json:"start_boottime_ns"`
	EndBoottimeNS   int64     `json:"end_boottime_ns"`
	Seconds         float64   `json:"seconds"`
}

// An ErrorCount is how often one thing went wrong.
type ErrorCount struct {
	Kind       Kind   `json:"kind"`
	Count      uint64 `json:"count"`
	BeforeSend bool   `json:"before_send"`       // no request had left
	Example    string `json:"example,omitempty"` // of the first one
}

// Unfinished are requests with no answer when the run stopped waiting. All that is known of their
// latency is a lower bound, OldestUS for the oldest.
type Unfinished struct {
	Requests   uint64  `json:"requests"`    // sent in the window
	FromWarmup uint64  `json:"from_warmup"` // sent before it, and still waiting
	OldestUS   float64 `json:"oldest_us"`
}

// Unsent are requests that were due in the window, or waited for their connection, and did not
// leave.
type Unsent struct {
	Requests uint64  `json:"requests"`
	OldestUS float64 `json:"oldest_us"`
}

// CarriedOver are requests of the warm-up that were outstanding when the window opened: the server
// was not quiet.
type CarriedOver struct {
	Requests uint64 `json:"requests"`
	Answered uint64 `json:"answered"` // during the window, well or with an error; in no other count
}

// Warmup is what happened before the window.
type Warmup struct {
	Errors   uint64 `json:"errors"`
	Answered uint64 `json:"answered"` // requests, well or not
}

// Bytes are payload bytes as send(2) and recv(2) counted them, in the window and while it drained.
type Bytes struct {
	Read    uint64 `json:"read"`
	Written uint64 `json:"written"`
}

// Quantiles sum a distribution up, in microseconds. The histogram has the rest.
type Quantiles = stats.Quantiles

// Histograms are the whole distributions, in nanoseconds, in the V2 compressed encoding of
// HdrHistogram, base64: any library of that family reads and merges them.
type Histograms struct {
	Unit    string `json:"unit"` // ns
	Latency string `json:"latency"`
	// LatencyAtLeast are the requests that were never answered: pairs of a time by which there was
	// no answer and how many took at least so long.
	LatencyAtLeast [][2]int64 `json:"latency_at_least"`
	Connect        string     `json:"connect"`
	Lateness       string     `json:"lateness"`
}

// Connections are those of the clients; the ballast is apart.
type Connections struct {
	Opened         uint64 `json:"opened"`           // established in the window
	OpenedInAll    uint64 `json:"opened_in_all"`    // and before it
	FailedBefore   uint64 `json:"failed_before"`    // attempts that failed before the warm-up
	ClosedByServer uint64 `json:"closed_by_server"` // between two requests, in the window: no error
	// requests sent again, since that crossed them on the way: no error
	Reconnects uint64 `json:"reconnects"`
	// more than 1: many connections on loopback; see docs/load.md
	LocalAddresses int `json:"local_addresses"`
}

// Idle is the ballast.
type Idle struct {
	Asked          int `json:"asked"`
	Open           int `json:"open"` // to the end
	Failed         int `json:"failed"`
	ClosedByServer int `json:"closed_by_server"`
}

// A Generator is what the load generator itself cost and how late it was.
type Generator struct {
	CPUUserUS   float64 `json:"cpu_user_us"` // of the loops' threads, in the window
	CPUSystemUS float64 `json:"cpu_system_us"`
	CPUShare    float64 `json:"cpu_share"` // of one CPU for each thread
	// the part of it that only polled, waiting for a request to be due
	SpinShare           float64 `json:"spin_share"`
	VoluntarySwitches   int64   `json:"voluntary_switches"`
	InvoluntarySwitches int64   `json:"involuntary_switches"`
	// runnable without a CPU; -1 when the kernel does not say
	RunQueueUS float64 `json:"run_queue_us"`

	// Lateness of the generator itself. Open loop: from the time a request was due and a client
	// free for it to the time it left. Closed loop: from the last time epoll did not show a
	// response to the time it was read, which is at least the time it waited for the generator.
	Lateness Quantiles `json:"lateness_us"`

	// Continued is how often the generator was told to go on (SIGCONT) in the window: it may have
	// been stopped, and the window has the time in it that it was.
	Continued uint64 `json:"continued"`

	Queued     uint64  `json:"queued"`       // open loop: requests that found no client free
	QueueMaxUS float64 `json:"queue_max_us"` // the longest any of them waited for one
}

// Answered is the number of requests the server answered in and after the window, well or not: what
// a tracer between the two hooks can count, if nothing was carried over.
func (r *Result) Answered() uint64 {
	n := r.Requests + r.Drained
	for _, e := range r.ErrorsByKind {
		if e.Kind.answer() {
			n += e.Count
		}
	}
	return n
}

func (r *runner) fill(res *Result, t *tally, start int64, wall time.Time, boot int64) {
	c := &r.cfg
	res.Target, res.Address = c.Target, r.addr.String()
	res.Options = Options{
		Protocol: r.target.Protocol, Loop: "closed", Clients: c.Clients, Threads: c.Threads,
		DurationSeconds: c.Duration.Seconds(), WarmupSeconds: c.Warmup.Seconds(),
		Rate: c.Rate, RequestsPerConn: c.RequestsPerConn, Idle: c.Idle,
		TimeoutSeconds: c.Timeout.Seconds(), DrainSeconds: c.Drain.Seconds(), Seed: c.Seed,
	}
	if c.Rate > 0 {
		res.Options.Loop, res.Options.Arrivals, res.Options.SpinSeconds = "open", c.Arrivals,
			c.Spin.Seconds()
	}
	if r.target.Protocol == Echo {
		res.Options.EchoBytes = c.EchoBytes
	}
	res.Interrupted = r.stop.Load()
	length := max(t.end-start, 0)
	res.Window = Window{
		Start: wall, End: wall.Add(time.Duration(length)),
		StartBoottimeNS: boot, EndBoottimeNS: boot + length,
		Seconds: time.Duration(length).Seconds(),
	}
	res.Sent, res.Requests, res.Drained, res.Failed, res.Errors = t.sent, t.requests, t.drained,
		t.failed, t.errors()
	res.ErrorsByKind = []ErrorCount{}
	for k := kNone + 1; k < kinds; k++ {
		if n := t.errs[k]; n > 0 {
			res.ErrorsByKind = append(res.ErrorsByKind, ErrorCount{kindNames[k], n, k.beforeSend(),
				t.examples[k]})
		}
	}
	res.Unfinished = Unfinished{t.unfinished, t.carriedUnfinished, us(t.oldest)}
	res.Unsent = Unsent{t.unsent, us(t.oldestUnsent)}
	res.CarriedOver = CarriedOver{t.carried, t.carriedAnswered}
	res.StarvedClients = t.starved
	if length > 0 {
		res.RequestsPerSecond = float64(t.requests) / res.Window.Seconds
	}
	res.Bytes = Bytes{t.bytesIn, t.bytesOut}
	res.Latency, res.Connect = t.latency.Quantiles(), t.connect.Quantiles()
	latency := t.latency.Encode()
	res.Histograms = Histograms{"ns", latency.Known, latency.AtLeast, t.connect.Encode().Known,
		t.lateness.Encode().Known}
	res.Connections.Opened, res.Connections.ClosedByServer, res.Connections.Reconnects = t.opened,
		t.closedByServer, t.reconnects
	res.Connections.LocalAddresses = 1
	res.Idle.Asked = c.Idle
	for _, l := range r.loops {
		res.Connections.OpenedInAll += l.openedAll
		res.Connections.LocalAddresses = max(res.Connections.LocalAddresses, 1+int(l.dial.widest))
		open, failed, closed := l.idle()
		res.Idle.Open += open
		res.Idle.Failed += failed
		res.Idle.ClosedByServer += closed
	}
	g := Generator{
		CPUUserUS: us(t.cost.user), CPUSystemUS: us(t.cost.system),
		VoluntarySwitches: t.cost.voluntary, InvoluntarySwitches: t.cost.involuntary,
		RunQueueUS: -1, Lateness: t.lateness.Quantiles(),
		Continued: r.continued, Queued: t.queued, QueueMaxUS: us(t.queueMax),
	}
	if t.cost.waited >= 0 {
		g.RunQueueUS = us(t.cost.waited)
	}
	if length > 0 {
		g.CPUShare = float64(t.cost.user+t.cost.system) / float64(length) / float64(c.Threads)
		g.SpinShare = float64(t.spun) / float64(length) / float64(c.Threads)
	}
	res.Generator = g
	res.Warnings = res.warnings()
}

func us(ns int64) float64 { return float64(ns) / 1e3 }

// Latencies is the whole distribution of latencies, requests that were never answered included.
func (h *Histograms) Latencies() (*stats.Latencies, error) {
	return stats.Encoded{Known: h.Latency, AtLeast: h.LatencyAtLeast}.Decode()
}
