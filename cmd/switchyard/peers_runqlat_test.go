package main

import (
	"bufio"
	"bytes"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var (
	runqlatTask = regexp.MustCompile(`^\s*(?:tid|pid) = (\d+)`)
	runqlatSlot = regexp.MustCompile(`^\s*\d+ -> \d+\s*:\s*(\d+)\s*\|`)
)

// startRunqlat starts libbpf-tools' runqlat if it is there. What it returns ends it, and tells how
// many delays each TID had: nil without it.
func startRunqlat(t *testing.T) func() map[int]int {
	t.Helper()
	program, err := exec.LookPath("runqlat")
	if err != nil {
		t.Log("runqlat (libbpf-tools) is not installed: not compared with it")
		return func() map[int]int { return nil }
	}
	cmd := exec.CommandContext(t.Context(), "stdbuf", "-oL", program, "-L")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready, tables := make(chan bool), make(chan map[int]int, 1)
	go func() {
		defer close(ready)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), "Tracing run queue latency") {
				break
			}
		}
		ready <- true
		tables <- readRunqlat(t, lines)
		io.Copy(io.Discard, out)
	}()
	end := func() map[int]int {
		cmd.Process.Signal(unix.SIGINT)
		result := <-tables
		cmd.Wait()
		return result
	}
	select {
	case <-ready:
	case <-time.After(patience):
		end()
		t.Fatalf("runqlat does not begin: %s", errs.String())
	}
	return end
}

func readRunqlat(t *testing.T, lines *bufio.Scanner) map[int]int {
	delays := map[int]int{}
	tid := 0
	for lines.Scan() {
		if m := runqlatTask.FindStringSubmatch(lines.Text()); m != nil {
			tid = number(t, m[1])
			delays[tid] += 0
		} else if m := runqlatSlot.FindStringSubmatch(lines.Text()); m != nil {
			delays[tid] += number(t, m[1])
		}
	}
	return delays
}
