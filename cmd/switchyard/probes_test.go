package main

import (
	"strings"
	"testing"

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
