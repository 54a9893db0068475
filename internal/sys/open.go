package sys

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ErrNotRegular is wrapped by the error of OpenRegular about what is no regular file.
var ErrNotRegular = errors.New("not a regular file")

// OpenRegular opens a regular file for reading. Whoever owns a directory can put a FIFO where a
// file is expected, which open(2) would wait at for ever, or a terminal, which would become the
// process's own: this refuses them at once.
func OpenRegular(path string) (*os.File, error) {
	return regular(os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0))
}

// OpenRegularIn is OpenRegular for a file in a directory.
func OpenRegularIn(root *os.Root, name string) (*os.File, error) {
	return regular(root.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0))
}

func regular(f *os.File, err error) (*os.File, error) {
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: filepath.Clean(f.Name()), Err: ErrNotRegular}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// OpenRoot is os.OpenRoot for a path that somebody else may own: a FIFO is refused, where
// os.OpenRoot waits for its other end.
func OpenRoot(dir string) (*os.Root, error) {
	root, err := os.OpenRoot(filepath.Clean(dir) + "/.") // which only a directory has
	var e *fs.PathError
	if errors.As(err, &e) {
		return nil, &fs.PathError{Op: e.Op, Path: dir, Err: e.Err}
	}
	return root, err
}
