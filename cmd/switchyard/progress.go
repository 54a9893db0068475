package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/term"
)

// progress is a bar on a terminal's last line; a nil one draws nothing. It is drawn between two
// measurements, and nothing runs for it in one: the bar of go-pretty, which is linked anyway, draws
// by itself, which is 22 context switches a second in an idle process that has 7 without. Of the
// libraries that draw when told to, cheggaaa/pb adds 2.7 MB to the binary, and schollz/progressbar
// 1.6 MB, with net/http among 65 packages.
type progress struct {
	w           io.Writer
	total, done int
	began       time.Time
	width       func() int // of the terminal; 0: not known
}

// newProgress is nil unless standard error is a terminal.
func newProgress(env Env, total int, quiet bool) *progress {
	if quiet || !env.StderrTerminal {
		return nil
	}
	return &progress{w: env.Stderr, total: total, done: -1, began: time.Now(), width: stderrWidth}
}

func stderrWidth() int {
	w, _, err := term.GetSize(2)
	if err != nil {
		return 0
	}
	return w
}

// next says that what went before is done and what comes now.
func (p *progress) next(what string) {
	if p == nil {
		return
	}
	p.done++
	const width = 24
	full := width * p.done / p.total
	left := ""
	if p.done > 0 {
		rest := time.Since(p.began) * time.Duration(p.total-p.done) / time.Duration(p.done)
		left = fmt.Sprintf("%v left", rest.Round(time.Second))
	}
	line := []rune(fmt.Sprintf("%s%s %d/%d  %-22s %s", strings.Repeat("█", full),
		strings.Repeat("░", width-full), p.done, p.total, what, left))
	// A line that the terminal breaks in two could not be taken back.
	if w := p.width(); w > 0 && len(line) >= w {
		line = line[:w-1]
	}
	// Back to the start of the line, the text, and clear to its end (ECMA-48, EL).
	fmt.Fprintf(p.w, "\r%s\x1b[K", string(line))
}

// clear removes the bar.
func (p *progress) clear() {
	if p != nil {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
