package spool

import (
	"errors"
	"strings"
	"testing"

	"switchyard/trace/event"
)

// A CPU that goes offline, and one that comes back, is an event of no task.
func TestOfflineRecords(t *testing.T) {
	ring := ringRecord(kindOffline, 50, 0, 7, 1, 0)
	path := spoolOf(t, nil, ring, ringRecord(kindOnline, 90, 1, 8, 1, 0), nil, true)
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var got []event.Event
	if err := r.Events(func(e *event.Event) error {
		got = append(got, *e)
		return nil
	}); err != nil || r.Cut() != "" {
		t.Fatal(err, r.Cut())
	}
	want := []event.Event{
		{Kind: event.Offline, Time: 50, CPU: 0, Value: 1, Task: event.NoTask, Other: event.NoTask},
		{Kind: event.Online, Time: 90, CPU: 1, Value: 1, Task: event.NoTask, Other: event.NoTask},
	}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("%+v, want %+v", got, want)
	}
	if len(r.Tasks()) > 0 {
		t.Errorf("tasks %+v", r.Tasks())
	}

	r, err = Open(spoolOf(t, nil, ringRecord(kindOffline, 50, 0, 7, 2, 0), nil, nil, true))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	r.Events(func(*event.Event) error { return nil })
	if !errors.Is(r.bad, ErrFormat) || !strings.Contains(r.Cut(), "CPU 2 of 2") {
		t.Errorf("a CPU that there is not: %v", r.bad)
	}
}

// A spool says why it does not know when CPUs go: none did before version 5.
func TestNoHotplug(t *testing.T) {
	for _, c := range []struct {
		begin Begin
		want  string
	}{
		{Begin{Version: 4}, "an older switchyard recorded it"},
		{Begin{Version: 5}, ""},
		{Begin{Version: 5, NoHotplug: "no tracepoint"}, "no tracepoint"},
	} {
		c.begin.CPUs, c.begin.Online, c.begin.Rings = 2, 2, 2
		r, err := Open(spoolBegun(t, c.begin, nil, nil, nil, nil, true))
		if err != nil {
			t.Fatal(err)
		}
		if got := r.About().NoHotplug; got != c.want {
			t.Errorf("version %d: %q, want %q", c.begin.Version, got, c.want)
		}
		r.Close()
	}
}
