package load

import (
	"slices"
	"testing"
	"time"

	"switchyard/internal/stats"
)

func run(t *testing.T, c Config) *Result {
	t.Helper()
	if c.Clients == 0 {
		c.Clients = 4
	}
	if c.Duration == 0 {
		c.Duration = 150 * time.Millisecond
	}
	if c.Drain == 0 {
		c.Drain = 5 * time.Second // machines are slow at times
	}
	r, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	checkSums(t, r)
	return r
}

// checkSums checks what must hold of every result.
func checkSums(t *testing.T, r *Result) {
	t.Helper()
	if sum := r.Requests + r.Drained + r.Failed + r.Unfinished.Requests; sum != r.Sent {
		t.Errorf("requests %d + drained %d + failed %d + unfinished %d = %d, sent %d", r.Requests,
			r.Drained, r.Failed, r.Unfinished.Requests, sum, r.Sent)
	}
	var failed, all uint64
	for _, e := range r.ErrorsByKind {
		all += e.Count
		if !e.BeforeSend {
			failed += e.Count
		}
	}
	if failed != r.Failed || all != r.Errors {
		t.Errorf("errors by kind sum up to %d sent and %d in all, the result says %d and %d",
			failed, all, r.Failed, r.Errors)
	}
	if r.Latency.Count != r.Requests+r.Drained {
		t.Errorf("latency of %d requests, of %d", r.Latency.Count, r.Requests+r.Drained)
	}
	timeouts := uint64(0)
	for _, e := range r.ErrorsByKind {
		if e.Kind == Timeout {
			timeouts = e.Count
		}
	}
	unanswered := timeouts + r.Unfinished.Requests
	if r.Options.Loop == "open" {
		unanswered += r.Unsent.Requests
	}
	if r.Latency.Unanswered != unanswered {
		t.Errorf("latency has %d bounds, of %d requests without an answer", r.Latency.Unanswered,
			unanswered)
	}
	for _, e := range []struct {
		of stats.Encoded
		q  Quantiles
	}{{stats.Encoded{Known: r.Histograms.Latency, AtLeast: r.Histograms.LatencyAtLeast}, r.Latency},
		{stats.Encoded{Known: r.Histograms.Connect}, r.Connect},
		{stats.Encoded{Known: r.Histograms.Lateness}, r.Generator.Lateness}} {
		l, err := e.of.Decode()
		if err != nil {
			t.Error(err)
		} else if q := l.Quantiles(); q.Count != e.q.Count || q.Unanswered != e.q.Unanswered ||
			q.P99 != e.q.P99 || q.AtLeast != e.q.AtLeast {
			t.Errorf("a histogram with %+v stands beside %+v", q, e.q)
		}
	}
	q := r.Latency
	if v := []float64{q.Min, q.P50, q.P90, q.P99, q.P999}; !slices.IsSorted(v) {
		t.Errorf("quantiles are not in order: %v", v)
	}
}

// only checks that k is the one kind of error, and returns its count.
func only(t *testing.T, r *Result, k Kind) uint64 {
	t.Helper()
	if len(r.ErrorsByKind) != 1 || r.ErrorsByKind[0].Kind != k {
		t.Errorf("errors %+v, want only %s", r.ErrorsByKind, k)
		return 0
	}
	return r.ErrorsByKind[0].Count
}

// clean checks that all went well. On a machine that is busy with other things the window may end
// before the first large answer is there: what the drain has brought counts.
func clean(t *testing.T, r *Result) {
	t.Helper()
	if r.Errors != 0 || r.Requests+r.Drained == 0 || r.Unfinished.Requests != 0 ||
		r.Connections.FailedBefore != 0 {
		t.Errorf("%d requests and %d in the drain, errors %+v, unfinished %+v", r.Requests,
			r.Drained, r.ErrorsByKind, r.Unfinished)
	}
}
