package main

import (
	"fmt"
	"io"
)

// An archive is a cpio archive in the format "newc" that the kernel unpacks as its first file
// system (Documentation/driver-api/early-userspace/buffer-format.rst).
type archive struct {
	w     io.Writer
	at    int64
	inode int
	err   error
}

// File types, as in stat(2).
const (
	typeDir  = 0o040000
	typeFile = 0o100000
	typeLink = 0o120000
	typeChar = 0o020000
)

// add adds an entry; what size bytes of content there are is read from r.
func (a *archive) add(name string, mode int, device [2]int, r io.Reader, size int64) {
	a.inode++
	// ino, mode, uid, gid, nlink, mtime, filesize, two pairs of device numbers, namesize, check
	fmt.Fprintf(a, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s\x00",
		a.inode, mode, 0, 0, 1, 0, size, 0, 0, device[0], device[1], len(name)+1, 0, name)
	a.align()
	if size > 0 && a.err == nil {
		n, err := io.Copy(a, io.LimitReader(r, size))
		if a.err == nil && err == nil && n != size {
			err = fmt.Errorf("%s: %d bytes of %d", name, n, size)
		}
		if a.err == nil {
			a.err = err
		}
		a.align()
	}
}

// close ends the archive and returns the first error there was.
func (a *archive) close() error {
	a.add("TRAILER!!!", 0, [2]int{}, nil, 0)
	return a.err
}

func (a *archive) align() { a.Write(make([]byte, -a.at&3)) }

func (a *archive) Write(p []byte) (int, error) {
	if a.err != nil {
		return 0, a.err
	}
	n, err := a.w.Write(p)
	a.at += int64(n)
	a.err = err
	return n, err
}
