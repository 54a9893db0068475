package sys

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// SetName names the calling thread (prctl(2), PR_SET_NAME), so that any tracer
// shows its role. The kernel keeps the first 15 bytes. The goroutine must be
// locked to its thread.
func SetName(name string) {
	var b [16]byte
	copy(b[:15], name)
	RawSetName(&b)
}

// Thread runs f on an operating-system thread of its own, named name. The
// thread ends when f returns; done is closed just before.
func Thread(name string, f func()) (done <-chan struct{}) {
	ch := make(chan struct{})
	go func() {
		// The goroutine is never unlocked: its thread ends with it.
		runtime.LockOSThread()
		defer close(ch)
		SetName(name)
		f()
	}()
	return ch
}

// Gettid is the calling thread's TID (gettid(2)).
func Gettid() int { return unix.Gettid() }
