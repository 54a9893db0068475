package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"switchyard/fork"
	"switchyard/internal/sys"
	"switchyard/internal/testenv"
)

func TestMain(m *testing.M) {
	// As main does: a server of fork/exec runs this binary again.
	fork.Child()
	os.Exit(testenv.Main(m, map[string]func() int{
		"switchyard": func() int { return Main(ProcessEnv()) },
		"blink":      blink,
		"peers":      peersWorkload,
		// The same for a command that runs this binary itself (compare).
		"switchyard-again": func() int {
			os.Setenv("SWITCHYARD_TEST_PROGRAM", "switchyard")
			return Main(ProcessEnv())
		},
		// The same with no capability, so that it cannot trace.
		"switchyard-bare": func() int {
			if err := sys.DropCapabilities(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 3
			}
			os.Setenv("SWITCHYARD_TEST_PROGRAM", "switchyard")
			return Main(ProcessEnv())
		},
	}))
}

// patience is for what happens at once on any machine that is not broken.
const patience = testenv.Patience

// An outcome is what a command left.
type outcome struct {
	code           int
	stdout, stderr string
}

// runCommand runs a command in this process.
func runCommand(t *testing.T, args ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := Main(Env{
		Args:       args,
		Stdin:      strings.NewReader(""),
		Stdout:     &stdout,
		Stderr:     &stderr,
		Getenv:     func(string) string { return "" },
		Interrupts: make(chan os.Signal),
	})
	return outcome{code, stdout.String(), stderr.String()}
}

// mustFail runs a command that fails, with one line on standard error that holds each of words, and
// nothing on standard output.
func mustFail(t *testing.T, code int, args []string, words ...string) {
	t.Helper()
	o := runCommand(t, args...)
	if o.code != code {
		t.Errorf("%q: exit code %d, want %d", args, o.code, code)
	}
	if o.stdout != "" {
		t.Errorf("%q: standard output %q, want none", args, o.stdout)
	}
	if !strings.HasPrefix(o.stderr, "switchyard: ") || strings.Count(o.stderr, "\n") != 1 ||
		!strings.HasSuffix(o.stderr, "\n") {
		t.Errorf("%q: standard error %q, want one line that begins with switchyard:",
			args, o.stderr)
	}
	for _, w := range words {
		if !strings.Contains(o.stderr, w) {
			t.Errorf("%q: standard error %q, want %q in it", args, o.stderr, w)
		}
	}
}

// decode reads one JSON value with a schema, and nothing after it.
func decode(t *testing.T, text, schema string) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	var v map[string]any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("not JSON: %v\n%s", err, text)
	}
	if d.More() {
		t.Errorf("more than one JSON value:\n%s", text)
	}
	if v["schema"] != schema {
		t.Errorf("schema %q, want %q", v["schema"], schema)
	}
	return v
}

// A recorder is a Writer that a test reads while a command writes to it.
type recorder struct {
	mu      sync.Mutex
	text    strings.Builder
	changed chan struct{} // closed at the next write
}

func newRecorder() *recorder { return &recorder{changed: make(chan struct{})} }

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.changed)
	r.changed = make(chan struct{})
	return r.text.Write(p)
}

func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// line waits for a whole line that begins with prefix, and returns what follows the prefix.
func (r *recorder) line(t *testing.T, prefix string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		r.mu.Lock()
		text, changed := r.text.String(), r.changed
		r.mu.Unlock()
		for line := range strings.Lines(text) {
			if rest, ok := strings.CutPrefix(line, prefix); ok && strings.HasSuffix(line, "\n") {
				return strings.TrimSuffix(rest, "\n")
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("no line %q after %v in:\n%s", prefix, patience, text)
		}
	}
}
