package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestSay(t *testing.T) {
	var b bytes.Buffer
	Env{Stderr: &b}.say("it is in %s", "a\x1b[31m\n\x07b\u202e")
	if got, want := b.String(), "it is in a\\x1b[31m; \\ab\\u202e\n"; got != want {
		t.Errorf("said %q, want %q", got, want)
	}
}

// Lines for people go through say or env.writeTable, which let nothing through that a terminal
// obeys. What does not is text of the program itself and numbers.
func TestEveryLineIsSaid(t *testing.T) {
	own := map[string]bool{"output.go": true, "progress.go": true, "help.go": true, "man.go": true}
	direct := regexp.MustCompile(`(Fprint\w*|WriteString)\((\w+\.)*Std(err|out),`)
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	said := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || own[name] {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			said += strings.Count(line, ".say(")
			if direct.MatchString(line) && strings.Contains(line, "%s") {
				t.Errorf("%s:%d: writes a text that it has not looked at: use say: %s", name, i+1,
					strings.TrimSpace(line))
			}
		}
	}
	if said < 5 {
		t.Errorf("found %d lines that are said: this test does not see them", said)
	}
}

// A fullDisk takes nothing.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, unix.ENOSPC }

// What cannot be written is an error of every command, help and scripts too.
func TestFullDisk(t *testing.T) {
	for _, args := range [][]string{
		{"--help"}, {"help", "trace"}, {"compare", "--help"}, {"completion", "bash"},
		{"completion", "zsh"}, {"__complete", "serve", ""}, {"version"}, {"models"},
		{"models", "--format", "json"}, {"doctor"}, {"probes"},
	} {
		var stderr strings.Builder
		code := Main(Env{Args: args, Stdout: fullDisk{}, Stderr: &stderr})
		const want = "switchyard: write result: no space left on device\n"
		if code != exitFailed || !strings.HasSuffix(stderr.String(), want) {
			t.Errorf("%q: exit code %d, %q, want %q", args, code, &stderr, want)
		}
	}
}
