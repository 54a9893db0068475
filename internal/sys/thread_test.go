package sys

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Threads have TIDs and names of their own, none is the process' first thread, which would not end,
// and all end.
func TestThread(t *testing.T) {
	const n = 50
	var tids sync.Map
	var finish sync.WaitGroup
	finish.Add(n)
	var all []<-chan struct{}
	for i := range n {
		all = append(all, Thread(fmt.Sprintf("sy-test/%d", i), func() {
			comm, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/comm", Gettid()))
			if want := fmt.Sprintf("sy-test/%d\n", i); string(comm) != want {
				t.Errorf("name %q, %v; want %q", comm, err, want)
			}
			if _, twice := tids.LoadOrStore(Gettid(), true); twice {
				t.Errorf("thread %d runs two functions at once", Gettid())
			}
			finish.Done()
			finish.Wait()
		}))
		runtime.Gosched() // leave the first thread a chance to take one
	}
	for _, done := range all {
		<-done
	}
	tids.Range(func(tid, _ any) bool {
		if tid == unix.Getpid() {
			t.Error("a function ran on the process' first thread")
		}
		for deadline := time.Now().Add(5 * time.Second); unix.Tgkill(unix.Getpid(), tid.(int),
			0) == nil; {
			if time.Now().After(deadline) {
				t.Errorf("thread %d did not end", tid)
				break
			}
			// no state: between two looks at one (testenv is above this package)
			time.Sleep(time.Millisecond)
		}
		return true
	})
}
