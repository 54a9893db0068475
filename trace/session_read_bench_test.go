package trace_test

import (
	"fmt"
	"testing"

	"switchyard/trace"
)

// BenchmarkRead reads a window in which so many tasks sleep, and the change since the reading
// before.
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
			for b.Loop() {
				c := reading(b, s)
				c.Since(last)
				last = c
			}
			b.ReportMetric(float64(len(last.Tasks)), "tasks")
		})
	}
}
