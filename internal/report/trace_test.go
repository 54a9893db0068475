package report

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/text"

	"switchyard/internal/sched"
	"switchyard/internal/stats"
	"switchyard/trace/event"
	"switchyard/trace/hist"
	"switchyard/trace/syscalls"
)

// sampleTrace has something in every part of the text form, and names that a terminal or a table
// could stumble over.
func sampleTrace() *Trace {
	latency := &hist.Quantiles{N: 4012, Summary: hist.Summary{Mean: 14_200, P50: 4_900, P90: 31_000,
		P99: 210_400, Max: 12_034_000}}
	task := func(tid int, name string, on, queue, blocked time.Duration, voluntary,
		involuntary uint64) TraceTask {
		return TraceTask{TID: tid, TGID: tid, Name: name,
			Times: event.Times{Life: on + queue + blocked, OnCPU: on, RunQueue: queue,
				Blocked: blocked},
			Wakings: event.Wakings{Wakeups: voluntary}, Migrations: 3,
			Switches: event.Switches{Voluntary: voluntary, Involuntary: involuntary,
				AddressSpace: 40, Thread: 7, Lazy: 12},
			WakeupLatency: latency, RunQueueLatency: latency}
	}
	t := &Trace{Schema: TraceSchema, Depth: "record", Of: "make -j8 \x1b[31m",
		WindowNS: 2_345_678_901,
		Host: Host{Host: event.Host{Kernel: "6.18.44", CPUs: 2, Model: "AMD EPYC", Go: "go1.26",
			Root: true}},
		Tasks: []TraceTask{
			task(4194301, "sy-work/0", 1_200_000_000, 300_000_000, 845_678_901, 123_456, 7890),
			task(1234, "\x1b[31mx\n<b>|`\xff", 900_000, 4_500, 2_000_000_000, 23, 1),
			task(99, "kworker/u8:2-ev", 12_345, 0, 0, 1, 0),
		},
		Preemptors: []TracePair{{By: "sy-work/0", ByTID: 4194301, Of: "\x1b[31mx\n<b>|`\xff",
			OfTID: 1234, Count: 17, NS: 5_000_000},
			{By: "(interrupt)", Of: "sy-work/0", OfTID: 4194301, Count: 1, NS: 900}},
		Wakers: []TracePair{{By: "(others)", Of: "sy-work/0", OfTID: 4194301, Count: 4012,
			NS: 56_970_400}},
		CPUs: []sched.CPU{{Number: 0, Busy: 2_000_000_000, Idle: 345_678_901, Switches: 12_345,
			Queue: sched.Queue{Mean: 0.51, Max: 7}}},
		RunQueue: &TraceQueue{Mean: 0.51, Max: 7, ViolationCount: 12, ViolationNS: 340_000,
			ViolationMaxNS: 120_000,
			ViolationLengths: &hist.Quantiles{N: 12,
				Summary: hist.Summary{P50: 23_000, P99: 119_000, Max: 120_000}},
			UnknownNS: 5_000_000},
		Chains: []TraceChain{{Name: "sy-work/0", TID: 4194301, AtNS: 1_009_000_000,
			CompoundNS: 12_034_000, OwnNS: 34_000, Links: []TraceLink{
				{Name: "\x1b[31mx\n<b>|`\xff", TID: 1234, OwnNS: 7_000_000},
				{Name: "kworker/u8:2-ev", TID: 99, OwnNS: 5_000_000}}}},
		Appeared: ptr(uint64(23)), Disappeared: ptr(uint64(21)), Hidden: ptr(uint64(1)),
		Tracer: &TraceTask{Times: event.Times{OnCPU: 12_000_000},
			Switches: event.Switches{Voluntary: 46, Involuntary: 1}},
		Load: &TraceLoad{Target: "http://127.0.0.1:80/\x1b[31m", Loop: "open", Clients: 16,
			Rate: 5000, Seconds: 3, Requests: 15000, Errors: 1,
			RequestsPerSecond: 5000,
			Latency: stats.Quantiles{Summary: hist.Summary{P50: 75.8, P99: 1480,
				Max: 6720}}, Warnings: []string{"it was late"}},
		Throttled: &event.Throttling{Times: 23, Time: 1_009_000_000,
			Cgroups: []string{"/limited\x1b[31m\xff", "/", "/a", "/b"}, Read: 5},

		Values: event.Values{{Column: syscalls.Column, Count: 2041,
			Parts: map[string]uint64{"read": 1009, "write": 1009, "futex": 23}}},
		Lost: []event.Lost{{CPU: 1, First: 1, Last: 2, Count: 3}},
		Checks: []event.Check{{Name: "nvcsw", Status: "pass", Traced: 123_480, Kernel: 123_480},
			{Name: "nivcsw", Status: "fail", Reason: "differs by -3, 1 task wrong, the first task 1234 (\x1b[31mx): traced 1, kernel 4",
				Traced: 7891, Kernel: 7894},
			{Name: "run_delay", Status: "unavailable", Reason: "this kernel does not keep it"}},
		Cost: TraceCost{Events: 150_000, BytesPerEvent: ptr(29.5), NSPerEvent: ptr(140.2),
			ReaderCPUNS: ptr(int64(12_345_678)), AttachNS: ptr(int64(45_000_000)),
			MemoryBytes: ptr(int64(16 << 20)), DiskPerEvent: ptr(6.6)},
		Missing:  map[string]string{"cost of a switch": "not asked for (--switch-cost)"},
		Warnings: []string{"The command failed: exit status 2."},
	}
	t.Tasks[0].Lossy = true
	t.Total = task(0, "", 1_200_912_345, 300_004_500, 2_845_678_901, 123_480, 7891)
	t.Total.MigrationCauses = map[string]uint64{"at wake-up": 5, "balancing": 4}
	return t
}

func TestTraceText(t *testing.T) {
	for name, width := range map[string]int{"trace-80.txt": 80, "trace-120.txt": 120} {
		var b bytes.Buffer
		if err := sampleTrace().WriteText(&b, width); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.Bytes())
		if n := text.LongestLineLen(b.String()); n > width {
			t.Errorf("%s is %d columns wide", name, n)
		}
		if strings.ContainsAny(b.String(), "\x1b\r") || !utf8.Valid(b.Bytes()) {
			t.Errorf("%s lets through what a terminal would obey", name)
		}
		if !strings.HasPrefix(b.String(), "FAIL nivcsw: ") {
			t.Errorf("%s does not begin with the failure", name)
		}
	}
}

// Count depth has no pairs or CPUs, and may have no latencies; a short life is no division by zero.
func TestTraceTextOfLittle(t *testing.T) {
	r := &Trace{Schema: TraceSchema, Depth: "count", Of: "true", Tasks: []TraceTask{{TID: 1, Name: "true"}}}
	for _, width := range []int{1, 40, 80, 120, 300} {
		var b bytes.Buffer
		if err := r.WriteText(&b, width); err != nil {
			t.Fatal(err)
		}
		if s := b.String(); strings.Contains(s, "NaN") || strings.Contains(s, "Inf") ||
			!strings.Contains(s, "true") {
			t.Errorf("width %d:\n%s", width, s)
		}
	}
}

// What a preemption was measured with is beside the figure, and only there.
func TestTraceTextNamesPreemption(t *testing.T) {
	const by = "need_resched seen at a waking"
	for _, n := range []uint64{0, 7} {
		r := &Trace{Schema: TraceSchema, Depth: "count", SwitchCost: &SwitchCost{
			By: "sched_switch", PreemptionBy: by,
			Preemption: &hist.Quantiles{N: n, Summary: hist.Summary{P50: 6500}},
		}}
		var b bytes.Buffer
		if err := r.WriteText(&b, 200); err != nil {
			t.Fatal(err)
		}
		said := strings.Join(strings.Fields(b.String()), " ")
		if got := strings.Contains(said, by); got != (n > 0) {
			t.Errorf("%d preemptions:\n%s", n, b.String())
		}
	}
}
