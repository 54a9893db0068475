package main

import (
	"reflect"
	"regexp"
	"strings"
	"testing"

	"switchyard/internal/report"
	"switchyard/trace"
)

func TestProbes(t *testing.T) {
	o := runCommand(t, "probes", "--format", "json")
	if o.code != exitDone || o.stderr != "" {
		t.Fatalf("exit code %d, standard error %q", o.code, o.stderr)
	}
	list := decode(t, o.stdout, "switchyard.probes/1")["probes"].([]any)
	want := trace.Probes()
	if len(list) != len(want) || len(list) == 0 {
		t.Fatalf("%d probes, package trace has %d", len(list), len(want))
	}
	text := runCommand(t, "probes")
	for i, v := range list {
		p := v.(map[string]any)
		if p["name"] != want[i].Name || p["available"] != (want[i].Err == nil) {
			t.Errorf("probe %v, want %s, error %v", p, want[i].Name, want[i].Err)
		}
		if p["depth"] != string(want[i].Depth) || len(p["units"].(map[string]any)) !=
			len(want[i].Columns) {
			t.Errorf("probe %v is not of depth %s, or has no units", p, want[i].Depth)
		}
		// One that cannot be used says why.
		if (p["reason"] == "") != (p["available"] == true) {
			t.Errorf("probe %s: available %v, reason %q", p["name"], p["available"], p["reason"])
		}
		if !strings.Contains(text.stdout, want[i].Name+" ") {
			t.Errorf("probe %s is not in the table:\n%s", want[i].Name, text.stdout)
		}
	}
}

// What a probe that is asked for tells is a member of results in JSON: no other has its name.
func TestColumnsAreMembers(t *testing.T) {
	taken := map[string]bool{}
	for _, result := range []any{report.Trace{}, report.TraceTask{}, report.ModelRow{}} {
		for _, field := range reflect.VisibleFields(reflect.TypeOf(result)) {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			taken[name] = true
		}
	}
	if !taken["window_ns"] || !taken["on_cpu_ns"] || !taken["forks"] {
		t.Fatalf("these are no members of results: %v", taken)
	}
	fit := regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	for _, p := range trace.Optional(trace.CountDepth) {
		for _, c := range p.Columns {
			if taken[c.Name] || taken[c.Name+"_per_request"] || !fit.MatchString(c.Name) {
				t.Errorf("%s: a column cannot be called %q", p.Name, c.Name)
			}
			if c.Unit == "" || c.Title == "" {
				t.Errorf("%s: what is %s, and of what?", p.Name, c.Name)
			}
			taken[c.Name], taken[c.Name+"_per_request"] = true, true
		}
	}
}
