package capture

import (
	"testing"

	"switchyard/trace"
)

// A column that was not asked for says by which option it is.
func TestWhatWasNotAskedForNamesItsOption(t *testing.T) {
	c := &trace.Counts{Missing: map[string]string{}}
	columns := map[string]string{}
	for _, p := range trace.Optional(trace.CountDepth) {
		for _, column := range p.Columns {
			columns[column.Name], c.Missing[column.Name] = p.Option, trace.NotAsked
		}
	}
	if len(columns) < 2 {
		t.Fatalf("%d columns can be asked for", len(columns))
	}
	missing := reportOf(c).Missing
	for column, option := range columns {
		if got, want := missing[column], trace.NotAsked+" (--"+option+")"; got != want {
			t.Errorf("%s: %q, want %q", column, got, want)
		}
	}
}
