package threads

import (
	"math"
	"sync/atomic"

	"switchyard/internal/sys"
)

// cond is a condition variable whose waiters block in the kernel (futex(2)). Its methods are called
// with the mutex held. The zero value is ready.
type cond struct {
	sequence atomic.Uint32
	waiting  int
}

// wait gives m back, blocks until woken and takes m again. It may return without a reason: look at
// the condition again.
func (c *cond) wait(m *mutex) {
	c.waiting++
	s := c.sequence.Load()
	m.unlock()
	sys.FutexWait(&c.sequence, s, false)
	m.lock()
	c.waiting--
}

// signal wakes one waiter; it makes no system call when there is none.
func (c *cond) signal() { c.wake(1) }

// broadcast wakes every waiter.
func (c *cond) broadcast() { c.wake(math.MaxInt32) }

func (c *cond) wake(n int) {
	if c.waiting > 0 {
		c.sequence.Add(1)
		sys.FutexWake(&c.sequence, n, false)
	}
}
