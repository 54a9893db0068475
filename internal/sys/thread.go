package sys

import (
	"math"
	"runtime"
	"runtime/debug"

	"golang.org/x/sys/unix"
)

// SetName names the calling thread (prctl(2), PR_SET_NAME), so that any tracer shows its role. The
// kernel keeps the first 15 bytes. The goroutine must be locked to its thread.
func SetName(name string) {
	var b [16]byte
	copy(b[:15], name)
	RawSetName(&b)
}

// Thread runs f on an operating-system thread of its own, named name. The thread ends when f
// returns; done is closed just before.
func Thread(name string, f func()) (done <-chan struct{}) {
	ch := make(chan struct{})
	go onThread(name, f, ch)
	return ch
}

func onThread(name string, f func(), done chan struct{}) {
	// The goroutine is never unlocked: its thread ends with it.
	runtime.LockOSThread()
	if Gettid() == unix.Getpid() {
		// The first thread does not end, the runtime parks it for good, and its name is the
		// process' own. It is kept until another thread is found.
		found := make(chan struct{})
		go func() {
			runtime.LockOSThread()
			close(found)
			runThread(name, f, done)
		}()
		<-found
		runtime.UnlockOSThread()
		return
	}
	runThread(name, f, done)
}

func runThread(name string, f func(), done chan struct{}) {
	defer close(done)
	SetName(name)
	f()
}

// Gettid is the calling thread's TID (gettid(2)).
func Gettid() int { return unix.Gettid() }

// RaiseMaxThreads lets the Go runtime make n threads more than the 10,000 at which it ends the
// process. It never lowers the bound, not even for a moment: the runtime ends the process for that,
// too.
func RaiseMaxThreads(n int) {
	before := debug.SetMaxThreads(math.MaxInt32)
	debug.SetMaxThreads(max(before, 10_000+n))
}
