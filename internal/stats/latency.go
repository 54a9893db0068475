package stats

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"switchyard/trace/hist"
)

// Latencies is how long requests took. Of a request that was never answered it is known only how
// long it had waited when its client gave up: it took at least so long (statistics call that
// right-censored). Both kinds are kept, and the quantiles are of both.
//
// Durations are nanoseconds. Those that are known are kept to three significant digits, from 1 ns
// to MaxLatency; a longer one counts as MaxLatency.
type Latencies struct {
	known   *hdr.Histogram
	atLeast map[int64]uint64 // bound → how many took at least so long
}

// MaxLatency is longer than anything that can be asked for.
const MaxLatency = 4000 * time.Hour

// NewLatencies is a distribution of nothing.
func NewLatencies() *Latencies {
	return &Latencies{known: newHistogram(), atLeast: map[int64]uint64{}}
}

func newHistogram() *hdr.Histogram { return hdr.New(1, int64(MaxLatency), 3) }

// Record adds a request that took ns. It allocates nothing.
func (l *Latencies) Record(ns int64) {
	// The only error is a value out of range, and there is none.
	_ = l.known.RecordValue(min(max(ns, 1), int64(MaxLatency)))
}

// RecordAtLeast adds n requests that took at least ns.
func (l *Latencies) RecordAtLeast(ns int64, n uint64) {
	if n > 0 {
		l.atLeast[Bound(ns)] += n
	}
}

// Bound is ns rounded down to four significant decimal digits: a bound that RecordAtLeast tells
// from others.
func Bound(ns int64) int64 {
	ns = min(max(ns, 1), int64(MaxLatency))
	unit := int64(1)
	for ns/unit >= 10_000 {
		unit *= 10
	}
	return ns / unit * unit
}

// Merge adds the requests of o to l.
func (l *Latencies) Merge(o *Latencies) {
	l.known.Merge(o.known)
	for ns, n := range o.atLeast {
		l.atLeast[ns] += n
	}
}

// Reset forgets everything.
func (l *Latencies) Reset() {
	l.known.Reset()
	clear(l.atLeast)
}

// Count is the number of requests whose latency is known.
func (l *Latencies) Count() uint64 { return uint64(l.known.TotalCount()) }

// Unanswered is the number of requests of which only a bound is known.
func (l *Latencies) Unanswered() (n uint64) {
	for _, k := range l.atLeast {
		n += k
	}
	return n
}

// Encoded is a distribution as JSON holds it.
type Encoded struct {
	// Known is a histogram of nanoseconds in the V2 compressed encoding of HdrHistogram, base64:
	// any library of that family reads and merges it.
	Known string
	// AtLeast are pairs: a bound in nanoseconds, and how many requests took at least so long.
	AtLeast [][2]int64
}

// Encode is l as JSON holds it.
func (l *Latencies) Encode() Encoded {
	b, err := l.known.Encode(hdr.V2CompressedEncodingCookieBase)
	if err != nil {
		// Writing to memory does not fail; a result without a histogram would be worse than none.
		panic(fmt.Sprintf("encode histogram: %v", err))
	}
	e := Encoded{Known: string(b), AtLeast: [][2]int64{}}
	for _, ns := range slices.Sorted(maps.Keys(l.atLeast)) {
		e.AtLeast = append(e.AtLeast, [2]int64{ns, int64(l.atLeast[ns])})
	}
	return e
}

// maxEncoded is more than the longest encoding of a histogram: one of a few dozen thousand
// counters, of nine bytes at most.
const maxEncoded = 1 << 20

// Decode reads a distribution back. It may come from anybody.
func (e Encoded) Decode() (*Latencies, error) {
	l := NewLatencies()
	if len(e.Known) > maxEncoded {
		return nil, fmt.Errorf("histogram of %d bytes: at most %d", len(e.Known), maxEncoded)
	}
	h, err := hdr.Decode([]byte(e.Known))
	if err != nil {
		return nil, fmt.Errorf("decode histogram: %w", err)
	}
	if lost := l.known.Merge(h); lost > 0 {
		return nil, fmt.Errorf("histogram: %d values above %v", lost, MaxLatency)
	}
	for _, p := range e.AtLeast {
		if p[0] < 1 || p[0] > int64(MaxLatency) || p[1] < 1 {
			return nil, fmt.Errorf("latency bound %d ns of %d requests: not a bound", p[0], p[1])
		}
		l.atLeast[p[0]] += uint64(p[1])
	}
	return l, nil
}

// Quantiles sum a distribution of latencies up, in microseconds. A number that is in AtLeast is a
// lower bound: what it stands for depends on requests that were never answered.
type Quantiles struct {
	Count      uint64  `json:"count"`      // latencies that are known
	Unanswered uint64  `json:"unanswered"` // of which only a bound is known
	Min        float64 `json:"min"`
	hist.Summary
	AtLeast AtLeast `json:"at_least,omitempty"`
}

// AtLeast is a set of fields of Quantiles; in JSON a list of their keys.
type AtLeast uint8

// The members of AtLeast.
const (
	AtLeastMin AtLeast = 1 << iota
	AtLeastMean
	AtLeastP50
	AtLeastP90
	AtLeastP99
	AtLeastP999
	AtLeastMax
)

var atLeastKeys = []string{"min", "mean", "p50", "p90", "p99", "p999", "max"}

// Has reports whether all of m are in a.
func (a AtLeast) Has(m AtLeast) bool { return a&m == m }

// Keys are the members of a by their JSON names.
func (a AtLeast) Keys() []string {
	keys := []string{}
	for i, k := range atLeastKeys {
		if a.Has(1 << i) {
			keys = append(keys, k)
		}
	}
	return keys
}

// MarshalJSON writes the list of keys.
func (a AtLeast) MarshalJSON() ([]byte, error) { return json.Marshal(a.Keys()) }

// UnmarshalJSON reads it back; keys it does not know are passed over.
func (a *AtLeast) UnmarshalJSON(b []byte) error {
	var keys []string
	if err := json.Unmarshal(b, &keys); err != nil {
		return err
	}
	*a = 0
	for _, k := range keys {
		if i := slices.Index(atLeastKeys, k); i >= 0 {
			*a |= 1 << i
		}
	}
	return nil
}

// Quantiles sums l up.
//
// A request that took at least b may have taken b or for ever. So each quantile has a smallest
// value (all of them took b) and a largest one (for ever). Where these agree the quantile is known;
// where not, the smallest is given and marked.
func (l *Latencies) Quantiles() Quantiles {
	q := Quantiles{Count: l.Count(), Unanswered: l.Unanswered()}
	n := q.Count + q.Unanswered
	if n == 0 {
		return q
	}
	if q.Unanswered == 0 {
		v := l.known.ValueAtPercentilesSlice([]float64{50, 90, 99, 99.9})
		q.Min, q.Mean, q.Max = us(l.known.Min()), math.Round(l.known.Mean())/1e3, us(l.known.Max())
		q.P50, q.P90, q.P99, q.P999 = us(v[0]), us(v[1]), us(v[2]), us(v[3])
		return q
	}
	known := steps{}
	for _, b := range l.known.Distribution() {
		if b.Count > 0 {
			known = append(known, step{ns: b.To, n: uint64(b.Count)})
		}
	}
	all := slices.Clone(known)
	sum := l.known.Mean() * float64(q.Count)
	for ns, k := range l.atLeast {
		all = append(all, step{ns: ns, n: k, bound: true})
		sum += float64(ns) * float64(k)
	}
	slices.SortFunc(all, func(a, b step) int { return int(min(max(a.ns-b.ns, -1), 1)) })
	at := func(percent float64, mark AtLeast) float64 {
		// As HdrHistogram ranks.
		rank := max(1, uint64(percent/100*float64(n)+0.5))
		low, _ := all.at(rank)
		if high, ok := known.at(rank); !ok || low.bound || high.ns != low.ns {
			q.AtLeast |= mark
		}
		return us(low.ns)
	}
	q.P50, q.P90, q.P99, q.P999 = at(50, AtLeastP50), at(90, AtLeastP90), at(99, AtLeastP99),
		at(99.9, AtLeastP999)
	q.Min, q.Max = us(all[0].ns), us(all[len(all)-1].ns)
	if all[0].bound {
		q.AtLeast |= AtLeastMin
	} else {
		q.Min = us(l.known.Min())
	}
	if !all[len(all)-1].bound {
		q.Max = us(l.known.Max())
	}
	q.Mean = math.Round(sum/float64(n)) / 1e3
	q.AtLeast |= AtLeastMax | AtLeastMean
	return q
}

// A step is n requests that took ns, or at least so long.
type step struct {
	ns    int64
	n     uint64
	bound bool
}

// steps are in the order of ns.
type steps []step

// at is the step in which the request of a rank lies, the first of which is 1.
func (s steps) at(rank uint64) (step, bool) {
	var below uint64
	for _, k := range s {
		if below += k.n; below >= rank {
			return k, true
		}
	}
	return step{}, false
}

func us(ns int64) float64 { return float64(ns) / 1e3 }

// FormatAtLeast writes a lower bound of so many microseconds for people, rounded down to three
// digits: ">300ms".
func FormatAtLeast(us float64) string {
	ns := int64(math.Round(us * 1e3))
	unit := int64(1)
	for ns/unit >= 1000 {
		unit *= 10
	}
	return ">" + time.Duration(ns/unit*unit).String()
}
