package report

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/text"

	"switchyard/internal/sched"
	"switchyard/trace/event"
	"switchyard/trace/hist"
)

// randomTrace has names and numbers of every length the kernel can make.
func randomTrace(r *rand.Rand) *Trace {
	number := func() uint64 { return r.Uint64N(1 << r.IntN(27)) }
	duration := func() time.Duration { return time.Duration(number()) }
	runes := []rune("abcdefghijklmnopqrstuvwxyz0123456789/:-_ é語\x1b\n|")
	name := func() string {
		var b strings.Builder
		for b.Len() < r.IntN(16) {
			b.WriteRune(runes[r.IntN(len(runes))])
		}
		return b.String()
	}
	task := func() TraceTask {
		q := &hist.Quantiles{N: number(), Summary: hist.Summary{
			Mean: float64(number()), P50: float64(number()), P99: float64(number()),
			Max: float64(number()),
		}}
		k := TraceTask{
			TID: 1 + r.IntN(1<<22-1), Name: name(), Times: event.Times{
				OnCPU: duration(), RunQueue: duration(), Blocked: duration()},
			Wakings: event.Wakings{Wakeups: number()}, Migrations: number(),
			WakeupLatency: q, RunQueueLatency: q, Lossy: r.IntN(2) == 0,
			Switches: event.Switches{Voluntary: number(), Involuntary: number()},
		}
		k.Life = k.OnCPU + k.RunQueue + k.Blocked
		return k
	}
	pair := func() TracePair {
		return TracePair{
			By: name(), ByTID: 1 + r.IntN(1<<22-1), Of: name(), OfTID: 1 + r.IntN(1<<22-1),
			Count: number(), NS: int64(number()),
		}
	}
	t := &Trace{Of: "x", Depth: "record", WindowNS: 1e9, Total: task()}
	t.OtherTasks = r.Uint64N(1 << 22)
	for range 1 + r.IntN(8) {
		t.Tasks = append(t.Tasks, task())
		t.Preemptors, t.Wakers = append(t.Preemptors, pair()), append(t.Wakers, pair())
		t.CPUs = append(t.CPUs, sched.CPU{Number: len(t.CPUs), Switches: number(),
			Queue: sched.Queue{Mean: float64(number()) / 7, Max: 8192}})
	}
	return t
}

// What a number of the tables is broken from would be a digit or a unit in a line by itself. Every
// number stands whole in the line of its task instead, and whatever the names, lines fit the page.
func TestNumbersStayWhole(t *testing.T) {
	const seed = 1073
	r := rand.New(rand.NewPCG(seed, 0))
	for i := range 60 {
		trace := randomTrace(r)
		for _, width := range []int{40, 60, 80, 100, 120, 200} {
			var b strings.Builder
			if err := trace.WriteText(&b, width); err != nil {
				t.Fatal(err)
			}
			wrong := func(format string, a ...any) {
				t.Fatalf("seed %d, trace %d, width %d: %s in\n%s", seed, i, width,
					fmt.Sprintf(format, a...), b.String())
			}
			if n := text.LongestLineLen(b.String()); n > width {
				wrong("a line of %d columns", n)
			}
			lines := strings.Split(b.String(), "\n")
			with := func(cells ...any) bool {
				var words []string
				for _, c := range cells {
					words = append(words, regexp.QuoteMeta(fmt.Sprint(c)))
				}
				line := regexp.MustCompile(`(^|\s)` + strings.Join(words, `\s.*\s?`) + `(\s|$)`)
				return slices.ContainsFunc(lines, line.MatchString)
			}
			for _, k := range trace.Tasks {
				numbers := []any{k.TID, nanos(float64(k.OnCPU)), nanos(float64(k.RunQueue)),
					nanos(float64(k.Blocked)), k.Switches.Voluntary, k.Switches.Involuntary}
				if width < 80 {
					numbers = numbers[:4]
				}
				if !with(numbers...) {
					wrong("no line with the numbers of task %d", k.TID)
				}
			}
			for _, p := range slices.Concat(trace.Preemptors, trace.Wakers) {
				numbers := []any{p.ByTID, p.OfTID, p.Count, nanos(float64(p.NS))}
				if width < 80 {
					numbers = slices.Delete(numbers, 2, 3)
				}
				if !with(numbers...) {
					wrong("no line with the numbers of %d and %d", p.ByTID, p.OfTID)
				}
			}
			for _, c := range trace.CPUs {
				numbers := []any{c.Number, c.Switches, fmt.Sprintf("%.2f", c.Mean), c.Max}
				if width < 80 {
					numbers = numbers[:3]
				}
				if !with(numbers...) {
					wrong("no line with the numbers of CPU %d", c.Number)
				}
			}
		}
	}
}

// A label never loses what follows the name.
func TestLabel(t *testing.T) {
	for _, c := range []struct {
		l     label
		width int
		want  string
	}{
		{label{"redis-benchmark", " 10731"}, 21, "redis-benchmark 10731"},
		{label{"redis-benchmark", " 10731"}, 20, "redis-benchma… 10731"},
		{label{"redis-benchmark", " 10731"}, 1, "re… 10731"},
		{label{"ab", " 10731"}, 1, "ab 10731"},
		{label{"é語éé", "!"}, 4, "é語…!"},
		{label{"", " 7"}, 4, " 7"},
	} {
		if got := c.l.cut(c.width); got != c.want || !utf8.ValidString(got) {
			t.Errorf("%q in %d: %q, want %q", c.l, c.width, got, c.want)
		}
	}
}

// What is left out of a table for want of room is said below it, and nothing else is.
func TestWhatIsLeftOutIsSaid(t *testing.T) {
	trace := randomTrace(rand.New(rand.NewPCG(3, 0)))
	heads := map[string]string{ // by what the line below says
		"shares of a task's life": "%", "longest wake-up latencies": "max",
		"migrations": "migra-", "wake-ups": "wake- ", "wake-up latencies": "wake-up",
		"switches": "invol.",
	}
	for width := 40; width < 200; width++ {
		var b strings.Builder
		if err := trace.WriteText(&b, width); err != nil {
			t.Fatal(err)
		}
		table, foot, _ := strings.Cut(b.String(), "\n\nSwitches into")
		_, table, _ = strings.Cut(table, "\n\n")
		table, said, _ := strings.Cut(table, "Not shown, for want of room: ")
		said, _, _ = strings.Cut(said, " (")
		left := strings.Split(strings.Join(strings.Fields(said), " "), ", ")
		for what, head := range heads {
			if strings.Contains(table, head) == slices.Contains(left, what) {
				t.Errorf("width %d: %q is shown and said to be left out, or neither:\n%s\n%s",
					width, what, table, said)
			}
		}
		if strings.TrimSpace(foot) == "" {
			t.Fatalf("width %d: nothing follows the table:\n%s", width, &b)
		}
	}
}

// However narrow the page, a comparison shows all its columns, in more tables.
func TestEveryColumnIsShownHoweverNarrow(t *testing.T) {
	for width := 40; width < 130; width++ {
		var b strings.Builder
		if err := sample().WriteText(&b, width); err != nil {
			t.Fatal(err)
		}
		tables, _, _ := strings.Cut(b.String(), "16 clients")
		_, tables, _ = strings.Cut(tables, "model")
		if n := text.LongestLineLen(tables); n > width {
			t.Errorf("a line of %d columns on a page of %d:\n%s", n, width, tables)
		}
		for _, cell := range []string{"81 000 ± 4%", ">300ms", ".500", ".010", "<.001", "56µ",
			"2.500", "1.000", ".031", "2.0", "8.4", "-1K"} {
			if !strings.Contains(tables, cell) {
				t.Errorf("width %d: no %s in\n%s", width, cell, tables)
			}
		}
		for _, head := range []string{"p50", "p99", "user", "system", "/conn", "a.space",
			"threads"} {
			if !strings.Contains(tables, head) {
				t.Errorf("width %d: no %s in\n%s", width, head, tables)
			}
		}
	}
}
