package fork

import (
	"sync/atomic"

	"switchyard/internal/sys"
)

// A futex lock is a word of shared memory: 0 when free, else the TID of the process that holds it,
// with futexWaiters set when others may be waiting. The layout is that of the kernel's own robust
// futexes (get_robust_list(2)), so that whoever reaps a dead process can see whether the lock died
// with it.

const futexWaiters = 1 << 31

// futexLock takes the lock for the process me, which it returns as true, or false when nothing is
// to be accepted any more.
//
//go:nosplit
//go:norace
func (w *worker) futexLock(me uint32) bool {
	word := &w.board.lock
	if atomic.CompareAndSwapUint32(word, 0, me) {
		return true
	}
	for {
		held := atomic.LoadUint32(word)
		switch {
		case held == 0:
			// Having waited, it cannot know that it was the only one.
			if atomic.CompareAndSwapUint32(word, 0, me|futexWaiters) {
				return true
			}
		case w.over():
			return false
		case held&futexWaiters != 0 || atomic.CompareAndSwapUint32(word, held, held|futexWaiters):
			sys.RawFutexWait(word, held|futexWaiters)
		}
	}
}

// futexUnlock gives the lock up and wakes one process that waits for it.
//
//go:nosplit
//go:norace
func futexUnlock(word *uint32) {
	if atomic.SwapUint32(word, 0)&futexWaiters != 0 {
		sys.RawFutexWake(word, 1)
	}
}

// futexRelease gives the lock up in the name of a process that is dead, if it held it. The process
// must be reaped, and none of its PID made since.
func futexRelease(word *uint32, pid int) {
	if atomic.LoadUint32(word)&^futexWaiters == uint32(pid) {
		futexUnlock(word)
	}
}
