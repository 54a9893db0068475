package trace_test

import (
	"slices"
	"testing"

	"switchyard/trace"
	"switchyard/trace/event"
)

// The prices themselves are no test's business: the machine may be busy. That all are there, and
// that a switch makes the records it makes, is.
func TestCalibrate(t *testing.T) {
	session(t, trace.Options{Probes: []string{"syscall", "tlb"}}).Close()
	const rounds = 3
	costs, err := trace.Calibrate(t.Context(), rounds)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range costs {
		names = append(names, c.Name)
		if len(c.Without) != rounds || len(c.Added) != rounds || c.Unit == "" {
			t.Errorf("%+v", c)
		}
		if slices.Min(c.Without) <= 0 {
			t.Errorf("%s took no time: %v", c.Name, c.Without)
		}
		t.Logf("%s: %.0f of %.0f ns for %s", c.Name, c.Added, c.Without, c.Unit)
		// Each switch has a waking, or none: the kernel may find the other side awake still.
		// Others' tasks are no events.
		least, most := 1.0, 3.0
		if c.Name == event.PriceCountOthers {
			least, most = 0, 0
		}
		if c.Events < least || c.Events > most {
			t.Errorf("%s: %v events for %s", c.Name, c.Events, c.Unit)
		}
	}
	want := []string{event.PriceCount, event.PriceCountOthers, event.PriceTLB, event.PriceSyscall,
		event.PriceRecord}
	if !slices.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
}
