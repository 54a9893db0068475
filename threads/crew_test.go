package threads

import (
	"os"
	"slices"
	"sync"
	"testing"

	"switchyard/internal/sys"
	"switchyard/internal/testenv"
)

// When wait returns, the threads are gone from the kernel: no patience here.
func TestCrew(t *testing.T) {
	testenv.Check(t)
	for range 20 {
		var w crew
		var mu sync.Mutex
		var tids []int
		for i := range 30 {
			w.thread("sy-test", func(tid int) {
				if tid != sys.Gettid() {
					t.Errorf("told TID %d, is %d", tid, sys.Gettid())
				}
				mu.Lock()
				tids = append(tids, tid)
				mu.Unlock()
				if i%2 == 0 {
					sys.Nanosleep(1e6)
				}
			})
		}
		w.wait()
		// Not by existence of the TID: the runtime may have been given it again.
		if names := testenv.Threads(); slices.Contains(names, "sy-test") {
			t.Fatalf("threads left: %v (of %v, process %d)", names, tids, os.Getpid())
		}
	}
}
