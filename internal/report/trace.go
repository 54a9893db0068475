package report

import (
	"switchyard/internal/sched"
	"switchyard/trace/event"
	"switchyard/trace/hist"
)

// TraceSchema names the JSON form of Trace.
const TraceSchema = "switchyard.trace/1"

// Trace is what a window of tracing showed, in either depth. What was not measured is nil, null in
// JSON, and Missing says why.
type Trace struct {
	Schema   string `json:"schema"`
	Depth    string `json:"depth"` // count or record
	Of       string `json:"of"`    // what was traced, in words
	Host     Host   `json:"host"`
	WindowNS int64  `json:"window_ns"`

	Load *TraceLoad `json:"load,omitempty"` // nil: there was none, or it was cut off

	// Total is the sum over all traced tasks, Tasks those it was kept apart for, by falling time on
	// CPU. OtherTasks had no room: only the sum has them.
	Total      TraceTask   `json:"total"`
	Tasks      []TraceTask `json:"tasks"`
	OtherTasks uint64      `json:"other_tasks"`

	// What only record depth tells. Appeared and Disappeared are tasks that were made and that
	// ended in the window. Hidden ones are in no sum: the kernel keeps them from tracing, and
	// others' switches to them were all there was. Tracer is the sum of the tracer's own threads,
	// which are in no task's row and not in Total, but in CPUs and RunQueue.
	Appeared    *uint64    `json:"appeared,omitempty"`
	Disappeared *uint64    `json:"disappeared,omitempty"`
	Hidden      *uint64    `json:"hidden,omitempty"`
	Tracer      *TraceTask `json:"tracer,omitempty"`

	CPUs       []sched.CPU       `json:"cpus,omitempty"`
	Throttled  *event.Throttling `json:"throttled"`
	SwitchCost *SwitchCost       `json:"switch_cost_ns"`
	Preemptors []TracePair       `json:"preemptors"`
	Wakers     []TracePair       `json:"wakers"`
	// Chains are the worst there were, the worst first.
	Chains []TraceChain `json:"chains,omitempty"`
	// Values are what probes that were asked for counted: see values.go.
	Values   event.Values      `json:"-"`
	RunQueue *TraceQueue       `json:"run_queue_length,omitempty"`
	Lost     []event.Lost      `json:"lost"`
	Offline  []event.Absence   `json:"offline,omitempty"`
	Losses   []event.Loss      `json:"losses,omitempty"`
	Checks   []event.Check     `json:"checks"`
	Cost     TraceCost         `json:"cost"`
	Missing  map[string]string `json:"missing,omitempty"`
	Warnings []string          `json:"warnings,omitempty"`
}

// TraceTask is what one task did in the window, or all together.
type TraceTask struct {
	// TID and TGID are its number and its process's, as the tracer's PID namespace has them; 0: it
	// has none there, or it is not known.
	TID  int    `json:"tid"`
	TGID int    `json:"tgid"`
	Name string `json:"name"`

	event.Times // Unknown is of lost events, mostly
	event.Wakings
	Migrations      uint64            `json:"migrations"`
	Switches        event.Switches    `json:"switches"`
	WakeupLatency   *hist.Quantiles   `json:"wakeup_latency_ns"`
	RunQueueLatency *hist.Quantiles   `json:"run_queue_latency_ns"`
	OnCPUSpan       *hist.Quantiles   `json:"on_cpu_span_ns,omitempty"`
	BlockedTime     *hist.Quantiles   `json:"blocked_time_ns,omitempty"`
	CompoundDelay   *hist.Quantiles   `json:"compound_delay_ns,omitempty"`
	MigrationCauses map[string]uint64 `json:"migration_causes,omitempty"`
	event.Lives
	Censored uint64 `json:"censored"`
	// Values are those that are kept of each task.
	Values event.Values `json:"-"`
	// Fine is what only record depth tells; nil in count depth.
	Fine *TraceFine `json:"record,omitempty"`
	// Lossy is set when an interval of the task touches one in which events were lost.
	Lossy bool `json:"lossy,omitempty"`
}

// TraceFine is what record depth knows of its own limits at a task, and of its migrations.
type TraceFine struct {
	// InferredNS is the part of the time on a CPU whose ends were not seen: the kernel's own sum
	// tells how long it was.
	InferredNS int64 `json:"inferred_ns"`
	// CensoredNS is the time in intervals that reach beyond the window, TouchedNS that in the
	// Touched intervals in which a CPU concerned lost events.
	CensoredNS int64  `json:"censored_ns"`
	Touched    uint64 `json:"touched"`
	TouchedNS  int64  `json:"touched_ns"`
	event.Unseen
	// EarlyWakeups came before the switch-out they belong to. NegativeIntervals are those that two
	// CPUs' clocks made negative, taken as 0.
	EarlyWakeups      uint64 `json:"early_wakeups"`
	NegativeIntervals uint64 `json:"negative_intervals"`
	// ForkedAway are new tasks whose first CPU is not their maker's.
	ForkedAway uint64 `json:"forked_away"`
}

// SwitchCost is how long the kernel took for switches of all tasks on the machine, ns, from the
// scheduler's entry to its end on the same CPU, by kind. The probes' own time is subtracted.
type SwitchCost struct {
	Thread       *hist.Quantiles `json:"thread"`
	AddressSpace *hist.Quantiles `json:"address_space"`
	// of these, those that flushed the TLB
	Flush   *hist.Quantiles `json:"address_space_flush"`
	NoFlush *hist.Quantiles `json:"address_space_no_flush"` // and those that did not
	Kept    *hist.Quantiles `json:"kept"`
	Lazy    *hist.Quantiles `json:"lazy"`
	Idle    *hist.Quantiles `json:"idle"`
	// Preemption is from the request to leave the CPU to the switch; PreemptionBy says which
	// requests are seen, and where.
	Preemption   *hist.Quantiles `json:"preemption"`
	PreemptionBy string          `json:"preemption_by,omitempty"`
	// what was subtracted for each of the two parts of a switch, ns
	Probe   float64           `json:"probe"`
	By      string            `json:"by"` // the hooks it was measured with
	Missing map[string]string `json:"missing,omitempty"`
}

// TracePair is what one task did to another: By took the CPU from Of, which then waited for NS in
// all; or By woke Of, which then took NS in all to run.
type TracePair struct {
	By    string `json:"by"`
	ByTID int    `json:"by_tid"`
	Of    string `json:"of"`
	OfTID int    `json:"of_tid"`
	Count uint64 `json:"count"`
	NS    int64  `json:"ns"`
}

// TraceChain is how one wake-up came about: each task of it waited for a CPU, and so the next one
// was woken later.
type TraceChain struct {
	Name string `json:"name"` // of the task that was woken last
	TID  int    `json:"tid"`
	AtNS int64  `json:"at_ns"` // when it came to a CPU, from the window's opening on
	// CompoundNS is what it waited after its waking, which is OwnNS, and what those before it had
	// waited when each woke the next.
	CompoundNS int64 `json:"compound_ns"`
	OwnNS      int64 `json:"own_ns"`
	// Links are those before it: the first is the oldest remembered, the last woke it.
	Links []TraceLink `json:"links"`
}

// TraceLink is one task of a TraceChain, and how long it had waited for a CPU since its own waking.
type TraceLink struct {
	Name  string `json:"name"`
	TID   int    `json:"tid"`
	OwnNS int64  `json:"own_ns"`
}

// TraceQueue is how many tasks were waiting for a CPU, weighted by time, and how often one waited
// while another CPU had nothing to do.
type TraceQueue struct {
	Mean float64 `json:"mean"`
	Max  int     `json:"max"`
	// ShareByLength is the share of the window with 0, 1, 2 … tasks waiting.
	ShareByLength []float64 `json:"share_by_length"`
	// Work conservation: a task waited while a CPU idled. Whether it was allowed to run there is
	// not known.
	ViolationCount uint64 `json:"work_conservation_violations"`
	ViolationNS    int64  `json:"work_conservation_violation_ns"`
	ViolationMaxNS int64  `json:"work_conservation_violation_max_ns"`
	// ViolationLengths are those of the single ones, nil if there was none.
	ViolationLengths *hist.Quantiles `json:"work_conservation_violation_lengths_ns,omitempty"`
	// UnknownNS is how long the number of those that waited is not known: events were lost.
	UnknownNS int64 `json:"unknown_ns"`
}

// TraceCost is what the tracer took.
type TraceCost struct {
	Events        uint64   `json:"events"`
	BytesPerEvent *float64 `json:"bytes_per_event"` // into the rings
	// NSPerEvent is measured with probes off and on, not reported by the probes themselves; null
	// without a calibration.
	NSPerEvent   *float64 `json:"ns_per_event"`
	How          string   `json:"how,omitempty"` // NSPerEvent was measured
	ReaderCPUNS  *int64   `json:"reader_cpu_ns"`
	AttachNS     *int64   `json:"attach_ns"`
	MemoryBytes  *int64   `json:"memory_bytes"`
	DiskBytes    *int64   `json:"disk_bytes,omitempty"`
	DiskPerEvent *float64 `json:"disk_bytes_per_event,omitempty"`
}

// Failed returns the checks that failed.
func (t *Trace) Failed() []event.Check {
	var failed []event.Check
	for _, c := range t.Checks {
		if c.Status == "fail" {
			failed = append(failed, c)
		}
	}
	return failed
}

// LostEvents is how many events are missing.
func (t *Trace) LostEvents() uint64 {
	var n uint64
	for _, l := range t.Lost {
		n += l.Count
	}
	for _, l := range t.Losses {
		n += l.Count
	}
	return n
}

// DurationsOf sums a distribution up, in ns: nil if there is none.
func DurationsOf(h *hist.Histogram) *hist.Quantiles {
	if h.Count() == 0 {
		return nil
	}
	q := h.Quantiles()
	return &q
}
