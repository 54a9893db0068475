package threads

import (
	"sync/atomic"

	"switchyard/internal/sys"
)

// mutex is a lock whose waiters block in the kernel (futex(2)), as those of a C program do; a
// locked thread that waits for a sync.Mutex costs two wake-ups of other threads more. It is the
// third lock of Ulrich Drepper's "Futexes Are Tricky": taking and giving back a free lock makes no
// system call. The zero value is a free lock.
type mutex struct {
	word atomic.Uint32
}

const (
	free = iota
	held
	contended // held, and some thread may be waiting
)

func (m *mutex) lock() {
	if m.word.CompareAndSwap(free, held) {
		return
	}
	for m.word.Swap(contended) != free {
		sys.FutexWait(&m.word, contended, false)
	}
}

func (m *mutex) unlock() {
	if m.word.Swap(free) == contended {
		sys.FutexWake(&m.word, 1, false)
	}
}
