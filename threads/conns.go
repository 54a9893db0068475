package threads

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"switchyard"
	"switchyard/internal/sys"
)

// slabConns is how many connections' buffers are mapped at a time.
const slabConns = 64

// conns holds the connections that are open, so that a drain finds them, and the buffers of those
// that are not. A descriptor is shut down from outside only while its connection is in the list,
// under the lock; its owner takes it out before closing it, so that a number that has been reused
// is never hit.
//
// Buffers are mapped, not allocated: a page that no request has used costs nothing, and no garbage
// collection clears or forgets one. The last ones given back are the first to be used again.
type conns struct {
	mu    mutex
	open  *conn // doubly linked
	free  *conn // linked by next
	slabs [][]byte
}

// get is a conn to serve with, the caller's until put or add.
func (l *conns) get(atMost int) (*conn, error) {
	l.mu.lock()
	defer l.mu.unlock()
	if l.free == nil {
		if err := l.grow(min(atMost, slabConns)); err != nil {
			return nil, err
		}
	}
	c := l.free
	l.free, c.next = c.next, nil
	return c, nil
}

func (l *conns) grow(n int) error {
	const size = switchyard.InSize + switchyard.OutSize
	slab, err := sys.MapPrivate(n * size)
	if err != nil {
		return fmt.Errorf("buffers for %d connections: %w", n, err)
	}
	// One request must not bring in 2 MiB. EINVAL: a kernel without huge pages.
	if err := unix.Madvise(slab, unix.MADV_NOHUGEPAGE); err != nil && !errors.Is(err, unix.EINVAL) {
		return errors.Join(fmt.Errorf("madvise: %w", err), sys.Unmap(slab))
	}
	l.slabs = append(l.slabs, slab)
	batch := make([]conn, n)
	for i := range batch {
		p := slab[i*size : (i+1)*size : (i+1)*size]
		c := &batch[i]
		c.in, c.out = p[:switchyard.InSize:switchyard.InSize], p[switchyard.InSize:]
		c.next, l.free = l.free, c
	}
	return nil
}

// put gives back what get gave.
func (l *conns) put(c *conn) {
	l.mu.lock()
	c.next, l.free = l.free, c
	l.mu.unlock()
}

// add makes c the open connection fd.
func (l *conns) add(c *conn, fd int) {
	c.fd, c.state, c.halfClosed = fd, switchyard.Conn{}, false
	c.busy.Store(false)
	l.mu.lock()
	c.prev, c.next = nil, l.open
	if l.open != nil {
		l.open.prev = c
	}
	l.open = c
	l.mu.unlock()
}

// remove takes c out; its descriptor may be closed then.
func (l *conns) remove(c *conn) {
	l.mu.lock()
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		l.open = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	}
	c.prev, c.next = nil, nil
	l.mu.unlock()
}

// each calls f for every open connection; none closes meanwhile.
func (l *conns) each(f func(*conn)) {
	l.mu.lock()
	for c := l.open; c != nil; c = c.next {
		f(c)
	}
	l.mu.unlock()
}

// unmap gives all buffers back. No conn may be in use any more.
func (l *conns) unmap() error {
	var errs []error
	for _, slab := range l.slabs {
		errs = append(errs, sys.Unmap(slab))
	}
	l.slabs, l.free = nil, nil
	return errors.Join(errs...)
}
