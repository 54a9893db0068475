package main

import (
	"strings"
	"testing"

	"switchyard/internal/report"
)

func TestUnknownCommands(t *testing.T) {
	mustFail(t, exitUsage, nil, "no command", "serve", "--help")
	mustFail(t, exitUsage, []string{"serv"}, `"serv"`, "did you mean serve?")
	mustFail(t, exitUsage, []string{"frobnicate"}, "serve, load, trace, report, recover, models")
	mustFail(t, exitUsage, []string{"-q", "modles", "--format", "json"}, "did you mean models?")
	mustFail(t, exitUsage, []string{"help", "serv"}, "did you mean serve?")
	mustFail(t, exitUsage, []string{"\x1b[2J"}, `\x1b[2J`)
}

func TestUnknownFlags(t *testing.T) {
	mustFail(t, exitUsage, []string{"--verbose"}, `"--verbose"`, "--help")
	mustFail(t, exitUsage, []string{"serve", "poll/epoll", "--worker", "3"}, "did you mean --workers?")
	mustFail(t, exitUsage, []string{"models", "--form=json"}, "did you mean --format?")
	mustFail(t, exitUsage, []string{"models", "-z"}, `"-z"`, "switchyard models --help")
	// A hidden flag is no suggestion.
	mustFail(t, exitUsage, []string{"serve", "poll/epoll", "--spinz", "3"}, "--help")
}

func TestBadValuesOfFlags(t *testing.T) {
	mustFail(t, exitUsage, []string{"models", "--format", "xml"}, `--format "xml"`, "want text or json")
	mustFail(t, exitUsage, []string{"serve", "poll/epoll", "--workers", "many"}, `--workers "many"`,
		"want a whole number")
	mustFail(t, exitUsage, []string{"serve", "poll/epoll", "--grace", "7"}, `--grace "7"`, "want a duration")
	mustFail(t, exitUsage, []string{"load", "http://127.0.0.1:1/", "--rate", "fast"},
		`--rate "fast"`, "want a number")
	mustFail(t, exitUsage, []string{"load", "http://127.0.0.1:1/", "--seed", "-1"}, `--seed "-1"`, "0 or more")
	mustFail(t, exitUsage, []string{"load", "http://127.0.0.1:1/", "--clients"}, "--clients", "missing")
	mustFail(t, exitUsage, []string{"models", "--format"}, "--format", "text|json")
}

func TestArguments(t *testing.T) {
	mustFail(t, exitUsage, []string{"serve"}, "needs the name of a model")
	mustFail(t, exitUsage, []string{"serve", "poll/epoll", "poll/poll"}, "one argument", `"poll/poll"`)
	mustFail(t, exitUsage, []string{"load"}, "needs a target")
	mustFail(t, exitUsage, []string{"doctor", "who"}, "takes no argument", `"who"`)
	mustFail(t, exitUsage, []string{"completion"}, "needs a shell")
	mustFail(t, exitUsage, []string{"completion", "tcsh"}, "bash, zsh, fish or powershell")
}

func TestOneLine(t *testing.T) {
	for in, want := range map[string]string{
		"plain":             "plain",
		" a\n\n\tb \n":      "a; b",
		"a\tb":              "a b",
		"\x1b[31mred\x07":   `\x1b[31mred\a`,
		"bad \xff byte":     `bad \ufffd byte`,
		"right\u202eto":     `right\u202eto`,
		"µs and ü and 日本":   "µs and ü and 日本",
		"cr\rover":          `cr\rover`,
		"it's \"so\" \\ ok": "it's \"so\" \\ ok",
	} {
		if got := report.OneLine(in); got != want {
			t.Errorf("oneLine(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestTableIsNotBroken(t *testing.T) {
	var b strings.Builder
	env := Env{Stdout: &b, Getenv: func(string) string { return "" }}
	if err := env.writeTable([][]string{{"A", "B"}, {"x\ty", "line\nline"},
		{"\x1b[2J", ""}}); err != nil {
		t.Fatal(err)
	}
	if got, want := b.String(), "A    B\nx y  line; line\n\\x1b[2J\n"; got != want {
		t.Errorf("table %q, want %q", got, want)
	}
}
