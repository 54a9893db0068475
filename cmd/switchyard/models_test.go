package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"switchyard"
)

// never is a model that no machine can run.
const never = "test/never"

func init() {
	switchyard.Register(switchyard.Model{
		Name:     never,
		Doc:      "cannot run\nanywhere",
		Syscalls: []string{"reboot"},
		Available: func() error {
			return fmt.Errorf("%w: never (\x1b[31mtry\x1b[0m elsewhere)", errors.ErrUnsupported)
		},
		New: func(switchyard.Options) (switchyard.Server, error) {
			return nil, errors.New("made although it cannot run")
		},
	})
}

func modelNames(t *testing.T, args ...string) []string {
	t.Helper()
	o := runCommand(t, append([]string{"models", "--format", "json"}, args...)...)
	if o.code != exitDone || o.stderr != "" {
		t.Fatalf("models %q: exit code %d, standard error %q", args, o.code, o.stderr)
	}
	var names []string
	for _, m := range decode(t, o.stdout, "switchyard.models/1")["models"].([]any) {
		names = append(names, m.(map[string]any)["name"].(string))
	}
	return names
}

func TestModels(t *testing.T) {
	all := modelNames(t)
	for _, name := range []string{"fork/per-conn", "poll/epoll", "threads/iterative", never} {
		if !slices.Contains(all, name) {
			t.Errorf("models: no %s in %q", name, all)
		}
	}
	for _, c := range []struct {
		args []string
		only func(name string) bool
	}{
		{[]string{"poll/epoll"}, func(n string) bool { return n == "poll/epoll" }},
		{[]string{"poll"}, func(n string) bool { return strings.HasPrefix(n, "poll/") }},
		{[]string{"*/epoll*"}, func(n string) bool { return strings.HasPrefix(n, "poll/epoll") }},
	} {
		want := slices.DeleteFunc(slices.Clone(all), func(n string) bool { return !c.only(n) })
		if got := modelNames(t, c.args...); !slices.Equal(got, want) || len(got) == 0 {
			t.Errorf("models %q = %q, want %q", c.args, got, want)
		}
	}
	// Each once, in the order in which they are named first.
	poll := modelNames(t, "poll")
	poll = slices.DeleteFunc(poll, func(n string) bool { return n == "poll/select" })
	want := append([]string{never, "poll/select"}, poll...)
	if got := modelNames(t, never, "poll/select", "poll/*"); !slices.Equal(got, want) {
		t.Errorf("models are listed as %q, want %q", got, want)
	}
	mustFail(t, exitUsage, []string{"models", "poll/epol"}, `"poll/epol"`, "did you mean poll/epoll")
	for _, command := range []string{"models", "compare", "serve"} {
		for arg, want := range map[string]string{
			"[":     `bad pattern "["`,
			"poll[": `bad pattern "poll["`,
			"z*":    `no model matches the pattern "z*" (switchyard models lists them all)`,
			"nope":  `unknown model "nope" (switchyard models lists them all)`,
			"polls": `unknown model "polls": did you mean`,
		} {
			mustFail(t, exitUsage, []string{command, arg}, want)
		}
	}
	mustFail(t, exitUsage, []string{"models", "nope"}, `unknown model "nope" (`)
	for _, arg := range []string{"poll", "poll/", "*/epoll*"} {
		mustFail(t, exitUsage, []string{"serve", arg}, `"`+arg+`" is not one model: want one of`,
			"poll/epoll, poll/epoll-et")
	}
}

func TestModelsText(t *testing.T) {
	o := runCommand(t, "models", never, "threads/iterative")
	lines := strings.Split(strings.TrimSpace(o.stdout), "\n")
	if len(lines) != 4 {
		t.Fatalf("models: %d lines, want a head, two models and a reason:\n%s",
			len(lines), o.stdout)
	}
	for i, words := range [][]string{
		{"MODEL", "HERE", "AT ONCE", "SYSTEM CALLS", "DESIGN"},
		{never, " no ", "reboot", "cannot run; anywhere"},
		{`not here: unsupported operation: never (\x1b[31mtry\x1b[0m elsewhere)`},
		{"threads/iterative", " yes ", " 1 ", "accept4"},
	} {
		for _, w := range words {
			if !strings.Contains(lines[i], w) {
				t.Errorf("models, line %d: %q, want %q in it", i+1, lines[i], w)
			}
		}
	}
}

func TestCompletionKnowsModels(t *testing.T) {
	o := runCommand(t, "__complete", "serve", "poll/ep")
	for _, want := range []string{"poll/epoll\t", "poll/epoll-et\t"} {
		if !strings.Contains(o.stdout, want) {
			t.Errorf("completion of serve poll/ep: %q, want %q in it", o.stdout, want)
		}
	}
	if strings.Contains(o.stdout, "threads/") {
		t.Errorf("completion of serve poll/ep: %q", o.stdout)
	}
	if o := runCommand(t, "__complete", "load", "http://x/", "--arrivals",
		""); !strings.HasPrefix(o.stdout, "constant\npoisson\n") {
		t.Errorf("completion of --arrivals: %q", o.stdout)
	}
}

func TestCompletionScripts(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		o := runCommand(t, "completion", shell)
		if o.code != exitDone || o.stderr != "" || !strings.Contains(o.stdout, "__complete") {
			t.Errorf("completion %s: exit code %d, standard error %q, %d bytes", shell, o.code,
				o.stderr, len(o.stdout))
		}
	}
}
