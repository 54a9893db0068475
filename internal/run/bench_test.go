package run

import (
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// cpu returns the CPU time of the process: what others do on the machine, and the disk, are not in
// it.
func cpu(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkWrite writes runs of a million events, to the disk.
func BenchmarkWrite(b *testing.B) {
	s := newStream(1, 8, 400, false)
	events, tasks := s.events(1<<20), s.table()
	dir := b.TempDir()
	n := 0
	before := cpu(b)
	for b.Loop() {
		write(b, filepath.Join(dir, strconv.Itoa(n)), events, tasks)
		n++
	}
	perEvent(b, n*len(events), cpu(b)-before)
}

// BenchmarkRead reads one.
func BenchmarkRead(b *testing.B) {
	s := newStream(1, 8, 400, false)
	dir := filepath.Join(b.TempDir(), "run")
	write(b, dir, s.events(1<<20), s.table())
	r, err := Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	n := 0
	before := cpu(b)
	for b.Loop() {
		for _, err := range r.Events() {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
	}
	perEvent(b, n, cpu(b)-before)
}

func perEvent(b *testing.B, events int, cpu time.Duration) {
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(events)/cpu.Seconds(), "events/CPU-s")
	b.ReportMetric(0, "ns/op")
}
