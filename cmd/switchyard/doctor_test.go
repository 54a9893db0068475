package main

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"switchyard"
	"switchyard/internal/doctor"
	"switchyard/internal/testenv"
)

func TestDoctor(t *testing.T) {
	o := runCommand(t, "doctor", "--format", "json")
	if o.code != exitDone || o.stderr != "" {
		t.Fatalf("exit code %d, standard error %q", o.code, o.stderr)
	}
	groups := map[string]int{}
	for _, v := range decode(t, o.stdout, "switchyard.doctor/1")["findings"].([]any) {
		f := v.(map[string]any)
		groups[f["group"].(string)]++
		switch f["status"] {
		case string(doctor.Works), string(doctor.Unknown):
		case string(doctor.Missing):
			if f["remedy"] == "" {
				t.Errorf("no remedy: %v", f)
			}
		default:
			t.Errorf("status of %v", f)
		}
	}
	for _, g := range []string{
		"kernel", "CPUs", "privileges", "sysctls", "limits", "probes", "models",
	} {
		if groups[g] == 0 {
			t.Errorf("nothing was found of the %s", g)
		}
	}
	if n := len(switchyard.Models()); groups["models"] != n {
		t.Errorf("%d models, want %d", groups["models"], n)
	}
	text := runCommand(t, "doctor")
	for _, want := range []string{
		"\nmodels\n", never, "→ unsupported operation: never", " work, ",
	} {
		if text.code != exitDone || !strings.Contains(text.stdout, want) {
			t.Errorf("doctor: exit code %d, no %q in:\n%s", text.code, want, text.stdout)
		}
	}
}

// Whoever is root of another user namespace is told so, and of no limit, by every command and every
// line of the doctor's that tells of tracing.
func TestUserNamespaceIsTheReason(t *testing.T) {
	if _, err := os.Stat("/sys/kernel/btf/vmlinux"); err != nil {
		testenv.Skip(t, "no kernel types (BTF)", traceable)
	}
	bin, err := exec.LookPath("unshare")
	if err != nil {
		t.Fatal(err)
	}
	inside := func(args ...string) (code int, out string) {
		cmd := testenv.Program(t, "switchyard", args...)
		cmd.Args = append([]string{bin, "--user", "--map-root-user", cmd.Path}, args...)
		cmd.Path = bin
		b, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return cmd.ProcessState.ExitCode(), string(b)
	}
	if code, out := inside("version"); code != 0 {
		testenv.Skip(t, "no user namespace: "+out, func() error {
			return exec.Command(bin, "--user", "--map-root-user", "true").Run()
		})
	}
	for _, args := range [][]string{
		{"trace", "--count", "--all", "--duration", "100ms"},
		{"trace", "--record", "--all", "--duration", "100ms"},
		{"trace", "--switch-cost", "--all", "--duration", "100ms"},
		{"doctor", "--calibrate"},
	} {
		code, out := inside(args...)
		if code != 1 || strings.Count(out, "\n") != 1 || !strings.Contains(out, "user namespace") ||
			strings.Contains(out, "MEMLOCK") || strings.Contains(out, "ulimit") {
			t.Errorf("%q: exit code %d: %s", args, code, out)
		}
	}
	_, out := inside("doctor")
	told := 0
	for line := range strings.Lines(out) {
		if strings.Contains(line, "→ trace:") {
			told++
			if !strings.Contains(line, "user namespace") || strings.Contains(line, "MEMLOCK") {
				t.Error(line)
			}
		}
	}
	// One reason for all probes of a session and a recorder, and one of what switches cost.
	_, probes, _ := strings.Cut(out, "\nprobes\n")
	probes, _, _ = strings.Cut(probes, "\nmodels\n")
	if told != 2 || strings.Count(probes, "  missing  ") < 5 || strings.Contains(probes, "works") {
		t.Errorf("%d reasons, want two, and all probes missing: %s", told, out)
	}
}
