package sys

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Ring is the reader's side of a BPF ring buffer (BPF_MAP_TYPE_RINGBUF, Linux 5.8), mapped into
// memory. It hands over what the kernel wrote as it lies there, many records at once, where a
// library would copy each on its own. One goroutine reads a Ring; the map's descriptor stays its
// caller's.
//
// Documentation/bpf/ringbuf.rst and kernel/bpf/ringbuf.c describe the layout: a page with the
// consumer's position, one with the producer's, and the data, mapped twice in a row so that no
// record is ever split.
type Ring struct {
	consumer, producer *atomic.Uint64
	pages, data        []byte
	mask               uint64
	mapped             []byte
}

// Bits of a record's header, the first four of its RingHeader bytes; the rest is its length.
const (
	RingHeader  = 8
	ringBusy    = 1 << 31
	RingDiscard = 1 << 30
)

// OpenRing maps the ring of a map's descriptor; size is its max_entries, in bytes.
func OpenRing(fd, size int) (*Ring, error) {
	page := os.Getpagesize()
	if size < page || size&(size-1) != 0 {
		return nil, fmt.Errorf("ring of %d bytes: not a power of two from %d on: %w", size, page,
			unix.EINVAL)
	}
	pages, err := unix.Mmap(fd, 0, page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, os.NewSyscallError("mmap", err)
	}
	mapped, err := unix.Mmap(fd, int64(page), page+2*size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, errors.Join(os.NewSyscallError("mmap", err), unix.Munmap(pages))
	}
	return &Ring{
		consumer: (*atomic.Uint64)(unsafe.Pointer(&pages[0])),
		producer: (*atomic.Uint64)(unsafe.Pointer(&mapped[0])),
		pages:    pages,
		data:     mapped[page:],
		mask:     uint64(size) - 1,
		mapped:   mapped,
	}, nil
}

// Drain calls f with the complete records there are, headers included, each padded to 8 bytes, and
// then gives their room back to the kernel. If f fails they stay. It returns how many bytes there
// were, and whether that was all: not so if one that is being written is in the way.
func (r *Ring) Drain(f func(records []byte) error) (n int, all bool, err error) {
	start := r.consumer.Load()
	end, produced := start, r.producer.Load()
	for end < produced {
		header := (*atomic.Uint32)(unsafe.Pointer(&r.data[end&r.mask])).Load()
		if header&ringBusy != 0 {
			break // being written: it and what follows come next time
		}
		end += RingSize(header)
	}
	n, all = int(end-start), end == produced
	if n == 0 {
		return 0, all, nil
	}
	at := start & r.mask
	if err := f(r.data[at : at+uint64(n)]); err != nil {
		return 0, false, err
	}
	r.consumer.Store(end)
	return n, all, nil
}

// RingSize returns the room a record takes in a ring, from the first four bytes of its header.
func RingSize(header uint32) uint64 {
	return (uint64(header&^(ringBusy|RingDiscard)) + RingHeader + 7) &^ 7
}

// Close gives the memory back.
func (r *Ring) Close() error {
	if r.mapped == nil {
		return fmt.Errorf("ring: close: %w", os.ErrClosed)
	}
	err := errors.Join(unix.Munmap(r.pages), unix.Munmap(r.mapped))
	*r = Ring{}
	return err
}
