package main

import (
	"runtime"
	"strings"
	"testing"
)

func TestVersion(t *testing.T) {
	o := runCommand(t, "version")
	if o.code != exitDone || !strings.HasPrefix(o.stdout, "switchyard ") ||
		!strings.Contains(o.stdout, runtime.Version()) {
		t.Errorf("version: exit code %d, %q", o.code, o.stdout)
	}
	o = runCommand(t, "version", "--format", "json")
	v := decode(t, o.stdout, "switchyard.version/1")
	if v["go"] != runtime.Version() || v["platform"] != runtime.GOOS+"/"+runtime.GOARCH ||
		v["version"] == "" {
		t.Errorf("version: %v", v)
	}
}
