package report

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	"switchyard/internal/rounds"
	"switchyard/internal/stats"
)

// Of too few rounds there is a median and no interval: a dash in a table, nothing in CSV, and the
// reason. Nobody is said to be faster.
func TestTooFewRoundsForAnInterval(t *testing.T) {
	result := &rounds.Result{Manifest: new(rounds.Manifest)}
	for _, name := range []string{"a", "b"} {
		s := &rounds.Sum{Rates: []float64{1000, 1010}}
		s.Model.Name = name
		result.Sums = append(result.Sums, s)
	}
	c := OfRounds(result)
	var b bytes.Buffer
	if err := c.WriteText(&b, 120); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(strings.Fields(b.String()), " ")
	if !strings.Contains(got, "a 1 005 – –") || strings.Contains(got, "±") ||
		strings.Contains(got, "Most requests per second") ||
		!strings.Contains(got, "Empty: requests_per_second_estimate: 2 rounds: an interval, "+
			"without which models are not told apart, takes 5 (--rounds).") {
		t.Errorf("two rounds:\n%s", &b)
	}
	b.Reset()
	if err := c.WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"requests/s low", "requests/s high", "confidence"} {
		if i := slices.Index(rows[0], name); rows[1][i] != "" {
			t.Errorf("two rounds: %s is %s", name, rows[1][i])
		}
	}
	for _, s := range result.Sums {
		s.Rates = []float64{1000, 1010, 1020, 1030, 1040}
		if r := rowOf(s, ""); len(r.Missing) != 0 || r.Rate.N != stats.Enough {
			t.Errorf("five rounds: %q", r.Missing)
		}
	}
}

// Why a model could not be measured stands below the table once, and a failed round of one that
// could is a sentence.
func TestFailureIsSaidOnce(t *testing.T) {
	const why = "server: not ready after 10s"
	for _, rates := range [][]float64{nil, {1000}} {
		s := &rounds.Sum{Rates: rates, Failures: []string{why},
			Notes: []string{"round 1 failed: " + why}}
		s.Model.Name = "a"
		c := OfRounds(&rounds.Result{Manifest: &rounds.Manifest{NoCounts: "not asked for"},
			Sums: []*rounds.Sum{s}})
		var said []string
		for _, line := range c.Summary() {
			if strings.Contains(line, "not ready") {
				said = append(said, line)
			}
		}
		want := "a: not available: " + why + "."
		if rates != nil {
			want = "a: round 1 failed: " + why + "."
		}
		if len(said) != 1 || !strings.HasPrefix(said[0], want) {
			t.Errorf("%v: %q, want %q", rates, said, want)
		}
	}
}
