package trace

import (
	"slices"
	"time"

	"switchyard/trace/event"
)

// Change is what happened between two readings of a window.
type Change struct {
	// Window is the time between the middles of the two.
	Window time.Duration
	// Total is of all traced tasks.
	Total Totals
	// Tasks are those with a row in the later reading, by falling time on CPU; Exits is 1 of those
	// that ended. They have no latencies of their own.
	Tasks []TaskTotals
	// Others is of all other tasks.
	Others Totals
	// Values are what probes that were asked for counted, as in Counts.
	Values event.Values
}

// Since returns what happened from an earlier reading of the same window to this one, nil being
// its start. No task's part is lost: who ended since has a row in this reading. Counts and times
// add up over all changes of a window to those of Stop, but for SpuriousWakeups, for a wake-up that
// came early can be taken for spurious until the task runs, and for User and System, which divide
// each change's CPU time on their own. A time can be some ns less than nothing: see Session.Read.
func (c *Counts) Since(before *Counts) *Change {
	if before == nil {
		before = &Counts{}
	}
	total := less(&c.n, &before.n)
	d := &Change{Window: c.Window - before.Window, Total: newTotals(&total, c.own),
		Values: c.Values.Minus(before.Values)}
	had := make(map[uint64]*counts, len(before.Tasks))
	for i := range before.Tasks {
		had[before.Tasks[i].ID] = &before.Tasks[i].n
	}
	d.Tasks = make([]TaskTotals, 0, len(c.Tasks))
	for _, t := range c.Tasks {
		if n := had[t.ID]; n != nil {
			t.n = less(&t.n, n)
		}
		t.Totals = newTotals(&t.n, c.own)
		t.RunQueueLatency, t.WakeupLatency = nil, nil
		d.Tasks = append(d.Tasks, t)
		total = less(&total, &t.n)
	}
	d.Others = newTotals(&total, c.own)
	slices.SortStableFunc(d.Tasks, func(a, b TaskTotals) int { return int(b.OnCPU - a.OnCPU) })
	return d
}

// less is a - b.
func less(a, b *counts) (d counts) {
	for i := range a {
		d[i] = a[i] - b[i]
	}
	return d
}
