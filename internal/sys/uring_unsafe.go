package sys

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

var _ = [1]struct{}{}[unsafe.Sizeof(UringSQE{})-64]
var _ = [1]struct{}{}[unsafe.Sizeof(UringCQE{})-16]
var _ = [1]struct{}{}[unsafe.Sizeof(uringParams{})-120]
var _ = [1]struct{}{}[unsafe.Sizeof(uringBuf{})-16]
var _ = [1]struct{}{}[unsafe.Sizeof(uringBufReg{})-40]
var _ = [1]struct{}{}[unsafe.Sizeof(uringGetEventsArg{})-24]

// Uring is a pair of rings shared with the kernel (io_uring(7)): what is asked for goes into one,
// what came of it comes out of the other. It belongs to the thread that made it, and only that
// thread calls its methods.
type Uring struct {
	fd     int
	rings  []byte // both rings, mapped once
	sqes   []UringSQE
	sqesMM []byte

	sqHead, sqTail *uint32
	sqMask         uint32
	tail           uint32 // sqTail, with what is not published yet

	cqHead, cqTail *uint32
	cqMask         uint32
	cqes           []UringCQE
	head           uint32 // cqHead, with what is not given back yet

	// wait is in memory of its own: the kernel takes the timespec's address in a field, not as an
	// argument, so Go must not move it.
	wait   *uringWait
	waitMM []byte
}

type uringWait struct {
	arg uringGetEventsArg
	ts  unix.Timespec
}

// NewUring makes rings for so many submissions and completions (io_uring_setup(2)). The numbers are
// rounded up to powers of two and clamped.
//
// It asks for the mode in which completions are worked on only when this thread waits for them
// (SINGLE_ISSUER and DEFER_TASKRUN, Linux 6.1), and for less where the kernel knows less.
//
// It fails with ENOSYS on a kernel without io_uring, EPERM where kernel.io_uring_disabled or a
// seccomp filter forbids it, ENOMEM at RLIMIT_MEMLOCK on kernels before 5.12, and
// errors.ErrUnsupported when the kernel can drop completions or cannot wait with a timeout (before
// 5.11).
func NewUring(entries, cqEntries uint32) (_ *Uring, err error) {
	r := &Uring{fd: -1}
	var p uringParams
	e := syscall.EINVAL
	for _, mode := range [...]uint32{
		uringSetupSubmitAll | uringSetupSingleIssuer | uringSetupDeferTaskrun,
		uringSetupSubmitAll | uringSetupSingleIssuer | uringSetupCoopTaskrun,
		uringSetupSubmitAll | uringSetupCoopTaskrun,
		uringSetupSubmitAll,
		0,
	} {
		p = uringParams{flags: mode | uringSetupCQSize | uringSetupClamp, cqEntries: cqEntries}
		var fd uintptr
		fd, _, e = syscall.Syscall(unix.SYS_IO_URING_SETUP, uintptr(entries),
			uintptr(unsafe.Pointer(&p)), 0)
		if e == 0 {
			r.fd = int(fd)
		}
		if e != syscall.EINVAL {
			break
		}
	}
	if e != 0 {
		return nil, os.NewSyscallError("io_uring_setup", e)
	}
	defer func() {
		if err != nil {
			r.Close()
		}
	}()
	const need = uringFeatSingleMmap | uringFeatNoDrop | uringFeatExtArg
	if p.features&need != need {
		return nil, fmt.Errorf("io_uring_setup: features %#x, want %#x (Linux 5.11): %w",
			p.features, need, errors.ErrUnsupported)
	}
	size := max(int(p.sq.array+p.sqEntries*4), int(p.cq.cqes+p.cqEntries*16))
	if r.rings, err = unix.Mmap(r.fd, uringOffSQRing, size, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_SHARED|unix.MAP_POPULATE); err != nil {
		return nil, fmt.Errorf("map the rings: %w", os.NewSyscallError("mmap", err))
	}
	if r.sqesMM, err = unix.Mmap(r.fd, uringOffSQEs, int(p.sqEntries)*64, unix.PROT_READ|
		unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE); err != nil {
		return nil, fmt.Errorf("map the submissions: %w", os.NewSyscallError("mmap", err))
	}
	if r.waitMM, err = MapPrivate(int(unsafe.Sizeof(uringWait{}))); err != nil {
		return nil, err
	}
	r.wait = (*uringWait)(unsafe.Pointer(&r.waitMM[0]))
	r.wait.arg.ts = uint64(uintptr(unsafe.Pointer(&r.wait.ts)))
	word := func(off uint32) *uint32 { return (*uint32)(unsafe.Pointer(&r.rings[off])) }
	r.sqHead, r.sqTail, r.sqMask = word(p.sq.head), word(p.sq.tail), *word(p.sq.ringMask)
	r.cqHead, r.cqTail, r.cqMask = word(p.cq.head), word(p.cq.tail), *word(p.cq.ringMask)
	r.sqes = unsafe.Slice((*UringSQE)(unsafe.Pointer(&r.sqesMM[0])), p.sqEntries)
	r.cqes = unsafe.Slice((*UringCQE)(unsafe.Pointer(&r.rings[p.cq.cqes])), p.cqEntries)
	// Submissions are always used in order, so the indirection is the identity.
	array := unsafe.Slice(word(p.sq.array), p.sqEntries)
	for i := range array {
		array[i] = uint32(i)
	}
	return r, nil
}

// Close unmaps and closes the rings. What is in flight is cancelled by the kernel some time later:
// end it before.
func (r *Uring) Close() {
	if r.fd >= 0 {
		RawClose(r.fd)
	}
	if r.rings != nil {
		unix.Munmap(r.rings)
	}
	if r.sqesMM != nil {
		unix.Munmap(r.sqesMM)
	}
	if r.waitMM != nil {
		Unmap(r.waitMM)
	}
	*r = Uring{fd: -1}
}

// SQE is a zeroed submission for the caller to fill in; nil when the ring is full until the next
// Submit or Wait.
func (r *Uring) SQE() *UringSQE {
	if r.tail-atomic.LoadUint32(r.sqHead) >= uint32(len(r.sqes)) {
		return nil
	}
	s := &r.sqes[r.tail&r.sqMask]
	*s = UringSQE{}
	r.tail++
	return s
}

// Submit hands over all submissions and does not block (io_uring_enter(2)). EBUSY and EAGAIN say
// that the kernel took not all, and completions are to be worked off first.
func (r *Uring) Submit() syscall.Errno {
	n := r.publish()
	if n == 0 {
		return 0
	}
	_, _, e := syscall.RawSyscall6(unix.SYS_IO_URING_ENTER, uintptr(r.fd), uintptr(n), 0, 0, 0, 0)
	return e
}

// Wait hands over all submissions and blocks until at least one completion is there or ns
// nanoseconds have passed, a negative ns being for ever (io_uring_enter(2)). EINTR and ETIME say
// that there may be none. For how, see the type Wait.
func (r *Uring) Wait(how Wait, ns int64) syscall.Errno {
	n := uintptr(r.publish())
	flags, arg, size := uintptr(uringEnterGetEvents), uintptr(0), uintptr(0)
	if ns >= 0 {
		r.wait.ts = unix.NsecToTimespec(ns)
		flags |= uringEnterExtArg
		// not Go's memory
		arg, size = uintptr(unsafe.Pointer(r.wait)), unsafe.Sizeof(uringGetEventsArg{})
	}
	if how == Hold {
		_, _, e := syscall.RawSyscall6(unix.SYS_IO_URING_ENTER, uintptr(r.fd), n, 1, flags,
			arg, size)
		return e
	}
	_, _, e := syscall.Syscall6(unix.SYS_IO_URING_ENTER, uintptr(r.fd), n, 1, flags, arg, size)
	return e
}

// publish shows the kernel the submissions and returns how many it has not taken.
func (r *Uring) publish() uint32 {
	atomic.StoreUint32(r.sqTail, r.tail)
	return r.tail - atomic.LoadUint32(r.sqHead)
}

// CQE takes the next completion; false when there is none. Its place is given back to the kernel.
func (r *Uring) CQE() (UringCQE, bool) {
	if r.head == atomic.LoadUint32(r.cqTail) {
		return UringCQE{}, false
	}
	c := r.cqes[r.head&r.cqMask]
	r.head++
	atomic.StoreUint32(r.cqHead, r.head)
	return c, true
}

// UringBuffers are buffers from which the kernel picks one when there is something to receive, and
// a ring in which they are handed to it (IORING_REGISTER_PBUF_RING, Linux 5.19). A connection that
// is idle has none.
type UringBuffers struct {
	ring   []uringBuf
	ringMM []byte
	mem    []byte
	size   int
	stride int
	tail   uint16
}

// uringStagger sets the beginnings of the buffers each one cache line further from the beginning of
// a page, so that short messages in many buffers do not compete for the same set of the cache. No
// two buffers have a page in common.
const uringStagger = 64

// NewUringBuffers registers a ring for n buffers, a power of two up to 32768, of size bytes each,
// as group; none is handed over yet. Their memory is touched only as it is used.
func NewUringBuffers(r *Uring, group uint16, n, size int) (_ *UringBuffers, err error) {
	page := os.Getpagesize()
	b := &UringBuffers{size: size, stride: (size+page-1)/page*page + page}
	defer func() {
		if err != nil {
			b.Close()
		}
	}()
	if b.mem, err = MapPrivate(n * b.stride); err != nil {
		return nil, err
	}
	if b.ringMM, err = MapPrivate(n * int(unsafe.Sizeof(uringBuf{}))); err != nil {
		return nil, err
	}
	b.ring = unsafe.Slice((*uringBuf)(unsafe.Pointer(&b.ringMM[0])), n)
	reg := uringBufReg{addr: uint64(uintptr(unsafe.Pointer(&b.ring[0]))), entries: uint32(n),
		group: group}
	_, _, e := syscall.Syscall6(unix.SYS_IO_URING_REGISTER, uintptr(r.fd), uringRegisterPbufRing,
		uintptr(unsafe.Pointer(&reg)), 1, 0, 0)
	if e != 0 {
		return nil, fmt.Errorf("register the buffer ring: %w",
			os.NewSyscallError("io_uring_register", e))
	}
	return b, nil
}

// Close unmaps the buffers. The Uring they are registered with is closed.
func (b *UringBuffers) Close() {
	for _, p := range [][]byte{b.mem, b.ringMM} {
		if p != nil {
			Unmap(p)
		}
	}
	*b = UringBuffers{}
}

// Len is how many buffers there are room for.
func (b *UringBuffers) Len() int { return len(b.ring) }

// Bytes is the buffer with a number. It is valid until it is given.
func (b *UringBuffers) Bytes(id uint16) []byte {
	at := b.at(id)
	return b.mem[at : at+b.size : at+b.size]
}

// at is where a buffer begins.
func (b *UringBuffers) at(id uint16) int {
	return int(id)*b.stride + int(id)*uringStagger%(b.stride-b.size)
}

// Drop gives the memory of a buffer that is not given back to the system; it comes anew when it is
// used (madvise(2), MADV_DONTNEED).
func (b *UringBuffers) Drop(id uint16) {
	at := int(id) * b.stride
	unix.Madvise(b.mem[at:at+b.stride], unix.MADV_DONTNEED)
}

// Take takes back the buffer that was given last. No operation that would pick one may be in
// flight, and the kernel must have one.
func (b *UringBuffers) Take() uint16 {
	b.tail--
	id := b.ring[int(b.tail)&(len(b.ring)-1)].bid
	b.publish()
	return id
}

// Give hands a buffer to the kernel.
func (b *UringBuffers) Give(id uint16) {
	e := &b.ring[int(b.tail)&(len(b.ring)-1)]
	e.addr, e.len, e.bid = uint64(uintptr(unsafe.Pointer(&b.mem[b.at(id)]))), uint32(b.size), id
	b.tail++
	b.publish()
}

// publish shows the kernel the tail.
func (b *UringBuffers) publish() {
	// The tail is 16 bits beside the first entry's bid, which is stored again: there is no shorter
	// atomic store. Both are little-endian.
	first := &b.ring[0]
	atomic.StoreUint32((*uint32)(unsafe.Pointer(&first.bid)), uint32(first.bid)|uint32(b.tail)<<16)
}

// Addr is the address of p for a submission. p must lie outside the Go heap (MapPrivate) until the
// operation has completed.
func Addr(p []byte) uint64 { return uint64(addr(p)) }
