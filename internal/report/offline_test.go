package report

import (
	"bytes"
	"strings"
	"testing"

	"switchyard/trace/event"
)

func TestOfflineSentence(t *testing.T) {
	for _, c := range []struct {
		list []event.Absence
		want string
	}{
		{nil, ""},
		{[]event.Absence{{CPU: 1, From: 2e6, To: 1e9}, {CPU: 3, From: 0, To: 5e6},
			{CPU: 4, From: 7e6, To: 2e9}},
			"Offline: CPU 1 from 2.00ms to 1.00s, CPU 3 from the beginning to 5.00ms, " +
				"CPU 4 from 7.00ms to the end. What a CPU did meanwhile is not known."},
		{make([]event.Absence, 10), strings.TrimSuffix("Offline: "+
			strings.Repeat("CPU 0 from the beginning to 0ns, ", 8), ", ") +
			", 2 times more (--format json lists all). What a CPU did meanwhile is not known."},
	} {
		trace := Trace{Offline: c.list, WindowNS: 2e9}
		if got := trace.offlineSentence(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	var b bytes.Buffer
	trace := Trace{WindowNS: 2e9, Offline: []event.Absence{{CPU: 1, From: 2e6, To: 1e9}}}
	if err := trace.WriteText(&b, 200); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "\nOffline: CPU 1 from 2.00ms to 1.00s.") {
		t.Errorf("the text does not say it:\n%s", b.String())
	}
}
