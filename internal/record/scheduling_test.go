package record

import (
	"testing"

	"switchyard/trace/event"
)

// Of a cut recording no check fails for time of which it is not known who had it; all others do.
func TestWithoutSteal(t *testing.T) {
	checks := []event.Check{{Name: "life", Status: event.Fail, Reason: "x"},
		{Name: "sum_exec_runtime", Status: event.Fail, Reason: "x"},
		{Name: "sum_exec_runtime", Status: event.Pass},
		{Name: "run_delay", Status: event.Fail, Reason: "x"}}
	withoutSteal(checks)
	if checks[0].Status != event.Fail || checks[1].Status != event.Unavailable ||
		checks[1].Reason == "x" || checks[2].Status != event.Pass ||
		checks[3].Status != event.Unavailable {
		t.Errorf("%+v", checks)
	}
}
