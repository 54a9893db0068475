package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"switchyard/internal/stats"
	"switchyard/trace/hist"
)

// column is one column of the table: its two-line head, which of the narrow tables it belongs to,
// and its cell in a row.
type column struct {
	head string // for text, in two lines
	key  string // for CSV and Markdown: the name with its unit
	// 1: what clients see and what it costs; 2: what the kernel did; 3: what else was counted
	part  int
	cell  func(ModelRow) string
	value func(ModelRow) *float64 // unrounded, for CSV
	least stats.AtLeast           // which of the latencies it is
	joint bool                    // its head goes on from that of the column before
}

func per(count *uint64, r ModelRow) *float64 {
	if count == nil || r.Requests == 0 {
		return nil
	}
	v := float64(*count) / float64(r.Requests)
	return &v
}

func of[T any](p *T, get func(T) float64) *float64 {
	if p == nil {
		return nil
	}
	v := get(*p)
	if math.IsNaN(v) {
		return nil
	}
	return &v
}

// ratio formats a count per request.
func ratio(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 0.0005:
		return "<.001"
	case v < 10:
		return strings.TrimPrefix(strconv.FormatFloat(v, 'f', 3, 64),
			"0")[:min(5, len(strings.TrimPrefix(strconv.FormatFloat(v, 'f', 3, 64), "0")))]
	}
	return strconv.FormatFloat(v, 'f', 1, 64)
}

// micros formats microseconds in at most six characters, with the unit.
func micros(v float64) string {
	switch {
	case v < 10:
		return strconv.FormatFloat(v, 'f', 1, 64) + "µ"
	case v < 10_000:
		return strconv.FormatFloat(v, 'f', 0, 64) + "µ"
	case v < 10_000_000:
		return strconv.FormatFloat(v/1e3, 'f', 0, 64) + "m"
	}
	return strconv.FormatFloat(v/1e6, 'f', 0, 64) + "s"
}

// size formats bytes in at most five characters.
func size(v float64) string {
	a := math.Abs(v)
	switch {
	case a < 1000:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a < 1000<<10:
		return strconv.FormatFloat(v/(1<<10), 'f', 0, 64) + "K"
	}
	return strconv.FormatFloat(v/(1<<20), 'f', 1, 64) + "M"
}

// thousands formats a whole number in groups of three digits.
func thousands(v float64) string {
	s := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + " " + s[i:]
	}
	return s
}

// fixed are the columns of every comparison.
var fixed = []column{
	{head: "requests\n/s", key: "requests/s", part: 1,
		cell: func(r ModelRow) string {
			switch {
			case r.Rate.N == 0:
				return "–"
			case !r.Rate.Interval():
				return thousands(r.Rate.Median) + "    –"
			}
			return fmt.Sprintf("%s ±%2.0f%%", thousands(r.Rate.Median), 100*r.Rate.Spread())
		},
		value: func(r ModelRow) *float64 { return r.RequestsPerSecond }},
	{head: "latency\np50", key: "latency p50 µs", part: 1, least: stats.AtLeastP50,
		value: func(r ModelRow) *float64 {
			return of(r.Latency, func(l stats.Quantiles) float64 { return l.P50 })
		}},
	{head: "\np99", key: "latency p99 µs", part: 1, joint: true, least: stats.AtLeastP99,
		value: func(r ModelRow) *float64 {
			return of(r.Latency, func(l stats.Quantiles) float64 { return l.P99 })
		}},
	{head: "vol.\nsw/req", key: "voluntary switches/request", part: 2,
		value: func(r ModelRow) *float64 {
			if r.Switches == nil {
				return nil
			}
			return per(&r.Switches.Voluntary, r)
		}},
	{head: "invol.\nsw/req", key: "involuntary switches/request", part: 2,
		value: func(r ModelRow) *float64 {
			if r.Switches == nil {
				return nil
			}
			return per(&r.Switches.Involuntary, r)
		}},
	{head: "a.space\nsw/req", key: "address-space switches/request", part: 2,
		value: func(r ModelRow) *float64 {
			if r.Switches == nil {
				return nil
			}
			return per(&r.Switches.AddressSpace, r)
		}},
	{head: "run q.\np99", key: "run-queue latency p99 µs", part: 2,
		value: func(r ModelRow) *float64 {
			return of(r.RunQueue, func(q hist.Quantiles) float64 { return q.P99 })
		}},
	{head: "syscls\n/req", key: "system calls/request", part: 2,
		value: func(r ModelRow) *float64 { return r.perRequest("syscalls") }},
	{head: "forks\n/req", key: "forks/request", part: 2,
		value: func(r ModelRow) *float64 { return per(r.Forks, r) }},
	{head: "threads\n/req", key: "threads created/request", part: 2,
		value: func(r ModelRow) *float64 { return per(r.ThreadsCreated, r) }},
	{head: "µs/req\nuser", key: "CPU user µs/request", part: 1,
		value: func(r ModelRow) *float64 {
			return of(r.CPU, func(c CPUPerRequest) float64 { return c.User })
		}},
	{head: "CPU\nsystem", key: "CPU system µs/request", part: 1, joint: true,
		value: func(r ModelRow) *float64 {
			return of(r.CPU, func(c CPUPerRequest) float64 { return c.System })
		}},
	{head: "PSS\n/conn", key: "PSS bytes/connection", part: 1,
		value: func(r ModelRow) *float64 { return r.PSSPerConn }},
}

// columns are all columns: those, and one for each that probes were asked for and has no place
// among them.
func (c *Compare) columns() []column {
	list := slices.Clone(fixed)
	for _, counted := range c.Columns {
		col := column{key: cmp.Or(counted.Title, counted.Name) + "/request", part: 3,
			value: func(r ModelRow) *float64 { return r.perRequest(counted.Name) }}
		if slices.ContainsFunc(fixed, func(f column) bool { return f.key == col.key }) {
			continue
		}
		if counted.Unit == "ns" || counted.Unit == "bytes" {
			col.key = cmp.Or(counted.Title, counted.Name) + " " + counted.Unit + "/request"
		}
		for _, line := range wrap(strings.TrimSuffix(col.key, "uest"), 16) {
			col.head += "\n" + strings.TrimSpace(line)
		}
		col.head = col.head[1:]
		list = append(list, col)
	}
	return list
}

// ofPart are the columns that stand in those of the narrow tables.
func ofPart(list []column, parts ...int) []column {
	return slices.DeleteFunc(slices.Clone(list), func(col column) bool {
		return !slices.Contains(parts, col.part)
	})
}

// text is a column's cell in a table for people; "–" when it is empty.
func (c column) text(r ModelRow) string {
	if c.cell != nil {
		return c.cell(r)
	}
	v := c.value(r)
	if v == nil {
		return "–"
	}
	switch {
	case c.least != 0 && r.Latency.AtLeast.Has(c.least):
		return stats.FormatAtLeast(*v)
	case strings.HasPrefix(c.key, "CPU"):
		if *v < 100 {
			return strconv.FormatFloat(*v, 'f', 1, 64)
		}
		return strconv.FormatFloat(*v, 'f', 0, 64)
	case strings.HasPrefix(c.key, "PSS"):
		return size(*v)
	case strings.HasSuffix(c.key, "µs"):
		return micros(*v)
	}
	return ratio(*v)
}
