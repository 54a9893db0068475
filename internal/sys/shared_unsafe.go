package sys

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// MapShared maps n zeroed bytes that forked children share with their parent (mmap(2),
// MAP_SHARED|MAP_ANONYMOUS). The caller owns them and gives them back with Unmap.
func MapShared(n int) ([]byte, error) { return mapAnon(n, unix.MAP_SHARED) }

// MapPrivate maps n zeroed bytes outside the Go heap: buffers that the kernel keeps (io_uring), or
// that a forked child writes to.
func MapPrivate(n int) ([]byte, error) { return mapAnon(n, unix.MAP_PRIVATE) }

func mapAnon(n, flags int) ([]byte, error) {
	p, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, flags|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, fmt.Errorf("mmap %d bytes: %w", n, err)
	}
	return p, nil
}

// Unmap gives back what MapShared or MapPrivate mapped.
func Unmap(p []byte) error { return unix.Munmap(p) }

// SharedNew maps a zeroed T that forked children share with their parent. T must hold no pointers.
// The second result unmaps it.
func SharedNew[T any]() (*T, func() error, error) {
	var zero T
	p, err := MapShared(int(unsafe.Sizeof(zero)))
	if err != nil {
		return nil, nil, err
	}
	return (*T)(unsafe.Pointer(unsafe.SliceData(p))), func() error { return Unmap(p) }, nil
}
