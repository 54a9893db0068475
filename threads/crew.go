package threads

import (
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"switchyard/internal/sys"
)

// crew is the threads of one server. Its zero value is ready.
type crew struct {
	running sync.WaitGroup
	mu      mutex
	left    [64]int // TIDs of the last threads that ended
	leaving []int   // TIDs of those that ended since last was set
	n       int
	last    bool
}

// thread runs f on a locked thread of its own, named name, and tells it its TID.
func (w *crew) thread(name string, f func(tid int)) {
	w.running.Add(1)
	sys.TakeProcessor()
	sys.Thread(name, func() {
		defer w.running.Done()
		defer sys.GiveProcessor()
		tid := sys.Gettid()
		f(tid)
		w.mu.lock()
		if w.last {
			w.leaving = append(w.leaving, tid)
		} else {
			w.left[w.n%len(w.left)] = tid
			w.n++
		}
		w.mu.unlock()
	})
}

// wait returns when every thread is gone from the kernel: the Go runtime ends a thread a little
// after its goroutine. Only the last few are looked at; one that ended before 64 others, or before
// the server began to end, is long gone.
func (w *crew) wait() {
	w.mu.lock()
	w.last = true
	w.mu.unlock()
	w.running.Wait()
	pid := os.Getpid()
	// A TID may have been given to another thread of this process meanwhile.
	deadline := time.Now().Add(time.Second)
	for _, tid := range append(w.leaving, w.left[:min(w.n, len(w.left))]...) {
		for unix.Tgkill(pid, tid, 0) == nil && time.Now().Before(deadline) {
			time.Sleep(50 * time.Microsecond)
		}
	}
}
