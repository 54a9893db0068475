package sys

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// maxProcessors bounds what GOMAXPROCS is raised by: a Go scheduler that looks for work looks at
// every processor.
const maxProcessors = 256

// processors is what TakeProcessor has raised GOMAXPROCS to.
var processors struct {
	threads atomic.Int64
	top     atomic.Int64 // GOMAXPROCS − base, as raised; 0: not raised
	mu      sync.Mutex   // of changes, which are rare: each doubles or ends it
	base    int
}

// TakeProcessor gives a locked thread that is about to be made a processor (a P of the Go
// scheduler) of its own, by raising GOMAXPROCS until as many calls of GiveProcessor have followed.
// With fewer, a thread that comes back from the kernel finds its processor taken by another thread
// and waits on a futex until one is handed over: on one CPU, sixteen threads that block in read(2)
// served a third of the requests. The kernel still runs as many threads at a time as there are
// CPUs.
//
// It is for designs with many threads that all block and serve. A design with one or two threads
// has nothing to gain, and idle processors make the Go scheduler look for work.
func TakeProcessor() {
	p := &processors
	if n := p.threads.Add(1); n > p.top.Load() && p.top.Load() < maxProcessors {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.top.Load() == 0 {
			p.base = runtime.GOMAXPROCS(0)
		}
		top := max(2, p.top.Load())
		for top < min(p.threads.Load(), maxProcessors) {
			top *= 2
		}
		if top > p.top.Load() {
			// It stops the world: hence the doubling.
			runtime.GOMAXPROCS(p.base + int(top))
			p.top.Store(top)
		}
	}
}

// GiveProcessor is called when the thread has done its work.
func GiveProcessor() {
	p := &processors
	if p.threads.Add(-1) > 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.threads.Load() == 0 && p.top.Load() > 0 {
		runtime.GOMAXPROCS(p.base)
		p.top.Store(0)
	}
}
