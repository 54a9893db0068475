package trace_test

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"switchyard/trace"
)

// BenchmarkRead reads a window in which so many tasks sleep, and the change since the reading
// before. The CPU time is this process's, what the garbage costs included.
func BenchmarkRead(b *testing.B) {
	for _, tasks := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("tasks=%d", tasks), func(b *testing.B) {
			s := session(b, trace.Options{})
			h := start(b, "worker")
			if err := s.Follow(h.pid()); err != nil {
				b.Fatal(err)
			}
			if err := s.Start(); err != nil {
				b.Fatal(err)
			}
			last := reading(b, s)
			h.do(b, "threads", max(0, tasks-len(last.Tasks)))
			b.ReportAllocs()
			before := cpuTime(b)
			for b.Loop() {
				c := reading(b, s)
				c.Since(last)
				last = c
			}
			b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
			b.ReportMetric(float64(len(last.Tasks)), "tasks")
		})
	}
}

// cpuTime is what this process has used.
func cpuTime(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
