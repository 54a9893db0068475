package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"switchyard/internal/proc"
)

// one traces one run and returns the CPU time of a unit of it, ns.
func one(dir, self string, w workload, t *tracer, r *row) (float64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	args := w.args
	if w.pin != "" {
		args = append([]string{"taskset", "-c", w.pin}, args...)
	}
	last := strconv.Itoa(int(lastProgram()))
	var beside *exec.Cmd
	var side, sideErr bytes.Buffer
	ended := make(chan error, 1)
	if t.beside != nil {
		beside = exec.CommandContext(ctx, t.beside[0], t.beside[1:]...)
		beside.Stdout, beside.Stderr = &side, &sideErr
		if err := beside.Start(); err != nil {
			return 0, err
		}
		go func() { ended <- beside.Wait() }()
		time.Sleep(t.wait)
	}
	args = append(append(append([]string{}, t.before...), self, inner, last), args...)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	before, _ := proc.Here.Switches()
	err := cmd.Run()
	after, _ := proc.Here.Switches()
	if beside != nil {
		select {
		case e := <-ended:
			return 0, fmt.Errorf("it ended by itself: %v: %s", e, lastLine(sideErr.Bytes()))
		default:
		}
		beside.Process.Signal(unix.SIGINT)
		if e := <-ended; e != nil && t.after != nil {
			return 0, fmt.Errorf("%s: %w: %s", t.name, e, lastLine(sideErr.Bytes()))
		}
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w: %s", args[0], err, lastLine(stderr.Bytes()))
	}
	// Switchyard's own standard output is for the result, and the command's goes to standard error.
	seconds, programs, err := outcome(append(stderr.Bytes(), stdout.Bytes()...))
	if err != nil {
		return 0, err
	}
	r.add(programs)
	if t.after != nil {
		out := stdout.Bytes()
		if t.beside != nil {
			out = side.Bytes()
		}
		perEvent, lost, err := t.after(dir, out)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", t.name, err)
		}
		r.perEvent = perEvent
		r.lost += lost
	}
	return seconds * 1e9 / w.units(before, after), nil
}

func lastLine(b []byte) string {
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return lines[len(lines)-1]
}
