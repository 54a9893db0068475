package sys

import (
	"runtime"
	"testing"
)

func TestProcessors(t *testing.T) {
	base := runtime.GOMAXPROCS(0)
	for range 2 {
		end := make(chan struct{})
		var all []<-chan struct{}
		for range 9 {
			TakeProcessor()
			all = append(all, Thread("sy-test", func() { defer GiveProcessor(); <-end }))
		}
		if n := runtime.GOMAXPROCS(0); n < base+9 || n > base+16 {
			t.Errorf("GOMAXPROCS is %d with 9 threads, %d without", n, base)
		}
		close(end)
		for _, done := range all {
			<-done
		}
		if n := runtime.GOMAXPROCS(0); n != base {
			t.Errorf("GOMAXPROCS is %d afterwards, was %d", n, base)
		}
	}
}
