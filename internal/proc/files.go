package proc

import (
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Files is a file system in which /proc and /sys are, as fs.FS has it: without the first slash.
type Files struct{ fs.FS }

// Here is this machine's.
var Here = Files{os.DirFS("/")}

// Text returns what a file says, without white space at its ends. Names begin with a slash.
func (f Files) Text(name string) (string, error) {
	// Of f.FS and not of f, which does not know how its FS reads a file: a sysctl gives what one
	// read(2) has room for and then says that this was all, and fs.ReadFile begins with one byte.
	b, err := fs.ReadFile(f.FS, strings.TrimPrefix(name, "/"))
	return strings.TrimSpace(string(b)), err
}

// Number returns the number a file holds. "max" is the largest one, as of a limit that is none.
func (f Files) Number(name string) (uint64, error) {
	s, err := f.Text(name)
	if err != nil {
		return 0, err
	}
	if s == "max" {
		return unix.RLIM_INFINITY, nil
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s: %q is not a number", name, s)
	}
	return n, nil
}

// Field returns what follows "key:" in a file such as /proc/self/status: of several lines with the
// key, in the first.
func (f Files) Field(name, key string) (string, error) {
	text, err := f.Text(name)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(text) {
		if k, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(value), nil
		}
	}
	return "", fmt.Errorf("%s: no %s", name, key)
}
