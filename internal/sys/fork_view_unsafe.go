package sys

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// View is a T that lies in mapped memory from an offset on. T must hold no pointers: the garbage
// collector does not look there. It panics when the memory is too small, a mistake in the program.
func View[T any](p []byte, offset int) *T { return &ViewSlice[T](p, offset, 1)[0] }

// ViewSlice is n of T that lie in mapped memory from an offset on; see View.
func ViewSlice[T any](p []byte, offset, n int) []T {
	var zero T
	size := int(unsafe.Sizeof(zero))
	if offset < 0 || n < 0 || offset%int(unsafe.Alignof(zero)) != 0 || size > 0 &&
		n > (len(p)-offset)/size {
		panic(fmt.Sprintf("view of %d × %d bytes at %d does not fit into %d bytes", n, size, offset,
			len(p)))
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&p[offset])), n)
}

// MapFile maps the first n bytes of a file, shared (mmap(2), MAP_SHARED). The caller gives them
// back with Unmap; the descriptor is not needed any more.
func MapFile(fd, n int) ([]byte, error) {
	p, err := unix.Mmap(fd, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("mmap %d bytes: %w", n, err)
	}
	return p, nil
}

// Size is the bytes a T takes.
func Size[T any]() int {
	var zero T
	return int(unsafe.Sizeof(zero))
}
