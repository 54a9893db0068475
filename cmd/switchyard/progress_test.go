package main

import (
	"strings"
	"testing"
)

func TestProgress(t *testing.T) {
	var b strings.Builder
	if p := newProgress(Env{Stderr: &b}, 4, false); p != nil {
		t.Error("a bar is drawn although standard error is no terminal")
	}
	if p := newProgress(Env{Stderr: &b, StderrTerminal: true}, 4, true); p != nil {
		t.Error("a bar is drawn although -q was given")
	}
	var none *progress
	none.next("nothing")
	none.clear()
	p := newProgress(Env{Stderr: &b, StderrTerminal: true}, 4, false)
	for _, m := range []string{"poll/epoll", "poll/poll", "poll/select", "fork/exec"} {
		p.next(m)
	}
	p.clear()
	lines := strings.Split(b.String(), "\r")
	if len(lines) != 6 || !strings.Contains(lines[4], "3/4") ||
		!strings.Contains(lines[4], strings.Repeat("█", 18)+"░") || lines[5] != "\x1b[K" ||
		strings.Contains(b.String(), "\n") {
		t.Errorf("drawn: %q", lines)
	}
}

// On a terminal narrower than the bar no line may be broken in two.
func TestProgressNarrow(t *testing.T) {
	for _, width := range []int{1, 10, 40, 50} {
		var b strings.Builder
		p := newProgress(Env{Stderr: &b, StderrTerminal: true}, 4, false)
		p.width = func() int { return width }
		p.next("threads/pool-mutex")
		line := strings.TrimSuffix(strings.TrimPrefix(b.String(), "\r"), "\x1b[K")
		if n := len([]rune(line)); n != width-1 {
			t.Errorf("%d columns: %d are drawn: %q", width, n, line)
		}
	}
}
