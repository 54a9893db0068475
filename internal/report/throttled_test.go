package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"switchyard/internal/run"
	"switchyard/internal/sched"
	"switchyard/trace/event"
)

func TestThrottledSentence(t *testing.T) {
	for _, c := range []struct {
		of   *event.Throttling
		want string
	}{
		{nil, ""},
		{&event.Throttling{Cgroups: []string{}, Read: 3}, ""},
		{&event.Throttling{Times: 1, Time: 23_000_000, Cgroups: []string{"/a"}}, "1 time, 23.0ms on all CPUs together (cgroup /a)"},
		{&event.Throttling{Times: 3, Cgroups: []string{"/a", "/b\x1b"}}, `3 times (cgroup /a, /b\x1b)`},
		{&event.Throttling{Time: 1009, Cgroups: []string{"/a", "/b", "/c"}}, "0 times, 1.01µs on all CPUs together (cgroup /a, /b, 1 more)"},
		{&event.Throttling{Times: 2}, "2 times"},
	} {
		want := c.want
		if want != "" {
			want = "Throttled by a limit on CPU bandwidth: " + want + ". Run-queue time and latency include that."
		}
		if got := throttledSentence(c.of); got != want {
			t.Errorf("%+v: %q, want %q", c.of, got, want)
		}
	}
}

// What a manifest does not have, as one of an older version, is not known, and not 0.
func TestThrottledInManifest(t *testing.T) {
	for name, c := range map[string]struct {
		options run.Options
		want    *event.Throttling
		missing string
	}{
		"throttled": {
			run.Options{Throttled: &event.Throttling{
				Cgroups: []string{"/a\x1b"}, Read: 2, Times: 23, Time: 1009}},
			&event.Throttling{Times: 23, Time: 1009, Cgroups: []string{"/a\x1b"}, Read: 2}, ""},
		"not throttled": {
			run.Options{Throttled: &event.Throttling{Cgroups: []string{}, Read: 1}},
			&event.Throttling{Cgroups: []string{}, Read: 1}, ""},
		"not known": {run.Options{ThrottledWhy: "the moon"}, nil, "the moon"},
		"older":     {run.Options{}, nil, "the recording does not tell"},
	} {
		text, err := json.Marshal(&run.Manifest{Options: c.options})
		if err != nil {
			t.Fatal(err)
		}
		if has := bytes.Contains(text, []byte(`"throttled":`)); has != (c.want != nil) {
			t.Errorf("%s: %s", name, text)
		}
		m := new(run.Manifest)
		if err := json.Unmarshal(text, m); err != nil {
			t.Fatal(err)
		}
		r := OfRecording(&sched.Result{}, nil, m, nil)
		if !reflect.DeepEqual(r.Throttled, c.want) || r.Missing["throttled"] != c.missing {
			t.Errorf("%s: %+v, missing %q; want %+v, %q", name, r.Throttled,
				r.Missing["throttled"], c.want, c.missing)
		}
		var keys map[string]json.RawMessage
		var b bytes.Buffer
		if err := errors.Join(r.WriteJSON(&b), json.Unmarshal(b.Bytes(), &keys)); err != nil {
			t.Fatal(err)
		}
		if isNull := string(keys["throttled"]) == "null"; isNull != (c.want == nil) {
			t.Errorf("%s: the JSON has %s", name, keys["throttled"])
		}
	}
}
