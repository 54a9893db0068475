package main

import (
	"context"
	"errors"
	"runtime"
	"time"

	"switchyard/internal/child"
	"switchyard/trace"
)

// What is attached during a slice.
const (
	none = iota
	scheduling
	everything
	empty
	kinds
)

// sliceOf returns requests per second, and the server's CPU time for a request in µs, of one slice
// of time.
func sliceOf(ctx context.Context, server *child.Server, kind int) (rate, cpu float64, err error) {
	// Without probes they are attached all the same, and taken away again: what that disturbs is
	// then the same in all.
	var opts trace.Options
	if kind == everything {
		opts.Probes = []string{"syscall", "tlb"}
	}
	s, err := trace.Open(opts)
	if err != nil {
		return 0, 0, err
	}
	defer s.Close()
	if err := errors.Join(s.Follow(server.PID()), s.Start()); err != nil {
		return 0, 0, err
	}
	if kind == none || kind == empty {
		if err := s.Close(); err != nil {
			return 0, 0, err
		}
	}
	if kind == empty {
		l, err := listen()
		if err != nil {
			return 0, 0, err
		}
		defer l.Close()
	}
	runtime.GC()
	time.Sleep(100 * time.Millisecond)
	began := time.Now()
	before, used, err := read(ctx, server)
	if err != nil {
		return 0, 0, err
	}
	time.Sleep(*slice)
	length := time.Since(began)
	after, usedAfter, err := read(ctx, server)
	if err != nil {
		return 0, 0, err
	}
	n := float64(after - before)
	if n == 0 {
		return 0, 0, errors.New("no request was answered")
	}
	return n / length.Seconds(), float64((usedAfter-used)/time.Microsecond) / n, nil
}

// read returns the number of requests the server has answered on connections that are closed, and
// the CPU time that it and all its descendants have used.
func read(ctx context.Context, s *child.Server) (requests uint64, used time.Duration, err error) {
	st, err := s.Stats(ctx)
	if err != nil {
		return 0, 0, err
	}
	cpu, err := s.CPU(ctx)
	return st.Counters.Requests, cpu.Run, err
}
