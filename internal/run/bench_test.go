package run

import (
	"path/filepath"
	"strconv"
	"testing"
)

func BenchmarkWrite(b *testing.B) {
	s := newStream(1, 8, 400, false)
	events, tasks := s.events(1<<20), s.table()
	dir := b.TempDir()
	n := 0
	for b.Loop() {
		write(b, filepath.Join(dir, strconv.Itoa(n)), events, tasks)
		n++
	}
	b.ReportMetric(float64(n*len(events))/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkRead(b *testing.B) {
	s := newStream(1, 8, 400, false)
	events, tasks := s.events(1<<20), s.table()
	dir := filepath.Join(b.TempDir(), "run")
	write(b, dir, events, tasks)
	r, err := Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	n := 0
	for b.Loop() {
		for _, err := range r.Events() {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}
