package trace_test

import (
	"strings"
	"testing"

	"switchyard/internal/testenv"
	"switchyard/trace"
)

// A probe that nobody else knows of counts in columns of its own, of each task and of all, beside
// the others; when a task has no more columns that is said.
func TestProbesOfTheirOwnFile(t *testing.T) {
	copies := []string{"one", "three", "two"}
	for _, name := range copies {
		defer trace.RegisterCopy("fault", name)()
	}
	s := session(t, trace.Options{Probes: append([]string{"fault"}, copies...)})
	h := start(t, "worker")
	h.do(t, "touch", 23)
	c := window(t, s, h.pid(), func() { h.do(t, "touch", 1009) })
	if why, ok := c.Missing["fault_exceptions_user"]; ok {
		testenv.Skip(t, why, faultTracepoints)
	}
	var ofTasks trace.Totals
	for i := range c.Tasks {
		ofTasks.Values = ofTasks.Values.Plus(c.Tasks[i].Values)
	}
	for column, want := range map[string]uint64{
		"fault_exceptions_user":   c.Values.Count("fault_exceptions_user"),
		"fault_exceptions_kernel": c.Values.Count("fault_exceptions_kernel"),
	} {
		for _, name := range copies[:2] {
			v, ok := c.Values.Get(name + "_" + column)
			// The programs are at the same tracepoint, and a window's end can come in between.
			if !ok || v.Count+2 < want || v.Count > want+2 || v.Unit != "exceptions" {
				t.Errorf("%s: %+v, %v, want %d", name, v, ok, want)
			}
			if n := ofTasks.Values.Count(name + "_" + column); n != v.Count {
				t.Errorf("%s: %d of all tasks, and %d of each", name, v.Count, n)
			}
		}
	}
	if n := c.Values.Count("fault_exceptions_user"); n < 1009 {
		t.Errorf("%d page fault exceptions, want 1009", n)
	}
	why := c.Missing["two_fault_exceptions_user"]
	if _, ok := c.Values.Get("two_fault_exceptions_user"); ok || !strings.Contains(why, "no room") {
		t.Errorf("eight columns of six were counted, or it was not said: %q", why)
	}
}

// What is asked for and not there is an error that names what is.
func TestUnknownProbe(t *testing.T) {
	for name, err := range map[string]error{
		"moon": open(trace.Options{Probes: []string{"moon"}}),
		"tlb":  openRecorder(trace.RecordOptions{Probes: []string{"tlb"}}),
	} {
		if able() != nil {
			testenv.Skip(t, "not reached without privileges", able)
		}
		if err == nil || !strings.Contains(err.Error(), `"`+name+`"`) ||
			!strings.Contains(err.Error(), "syscall") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func open(opts trace.Options) error {
	s, err := trace.Open(opts)
	if err == nil {
		s.Close()
	}
	return err
}

func openRecorder(opts trace.RecordOptions) error {
	r, err := trace.OpenRecorder(opts)
	if err == nil {
		r.Close()
	}
	return err
}
