package words

import (
	"os/exec"
	"strings"
	"testing"
)

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0 rounds", 1: "1 round", 2: "2 rounds"} {
		if got := Count(n, "round"); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	if got := Count(uint64(2), "switch"); got != "2 switches" {
		t.Error(got)
	}
}

// What a shell makes of the word is the name.
func TestShell(t *testing.T) {
	for name, want := range map[string]string{
		"results/2026-12-01": "results/2026-12-01", "my run": "'my run'", "-x": "./-x",
		"#x": "./#x", "x#01": "x#01",
		"it's": `'it'\''s'`, "a;b": "'a;b'", "$HOME": "'$HOME'", "ünï": "'ünï'", "": "''",
	} {
		got := Shell(name)
		if got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
		out, err := exec.Command("/bin/sh", "-c", "printf %s "+got).Output()
		if err != nil || strings.TrimPrefix(string(out), "./") != name {
			t.Errorf("a shell makes %q of %s, %v", out, got, err)
		}
	}
}
