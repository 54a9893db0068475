package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"switchyard/internal/report"
	rundir "switchyard/internal/run"
	"switchyard/internal/sched"
	"switchyard/trace/event"
)

// What a manifest does not have, as one of an older version, is not known, and not 0.
func TestThrottledInManifest(t *testing.T) {
	for name, c := range map[string]struct {
		options rundir.Options
		want    *event.Throttling
		missing string
	}{
		"throttled":     {rundir.Options{Throttled: &event.Throttling{Cgroups: []string{"/a\x1b"}, Read: 2, Times: 23, Time: 1009}}, &event.Throttling{Times: 23, Time: 1009, Cgroups: []string{"/a\x1b"}, Read: 2}, ""},
		"not throttled": {rundir.Options{Throttled: &event.Throttling{Cgroups: []string{}, Read: 1}}, &event.Throttling{Cgroups: []string{}, Read: 1}, ""},
		"not known":     {rundir.Options{ThrottledWhy: "the moon"}, nil, "the moon"},
		"older":         {rundir.Options{}, nil, "the recording does not tell"},
	} {
		text, err := json.Marshal(&rundir.Manifest{Options: c.options})
		if err != nil {
			t.Fatal(err)
		}
		if has := bytes.Contains(text, []byte(`"throttled":`)); has != (c.want != nil) {
			t.Errorf("%s: %s", name, text)
		}
		m := new(rundir.Manifest)
		if err := json.Unmarshal(text, m); err != nil {
			t.Fatal(err)
		}
		r := report.OfRecording(&sched.Result{}, nil, m, nil)
		if !reflect.DeepEqual(r.Throttled, c.want) || r.Missing["throttled"] != c.missing {
			t.Errorf("%s: %+v, missing %q; want %+v, %q", name, r.Throttled, r.Missing["throttled"], c.want, c.missing)
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
