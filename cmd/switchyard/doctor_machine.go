package main

import (
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A machine is what the doctor looks at: files, and the few things that are in
// none.
type machine struct {
	files   fs.FS // "/"
	limit   func(resource int) (soft, hard uint64, err error)
	cpus    int // this process may run on
	release string
}

func thisMachine() machine {
	m := machine{
		files: os.DirFS("/"),
		limit: func(resource int) (uint64, uint64, error) {
			var l unix.Rlimit
			err := unix.Getrlimit(resource, &l)
			return l.Cur, l.Max, os.NewSyscallError("getrlimit", err)
		},
	}
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) == nil {
		m.cpus = set.Count()
	}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		m.release = unix.ByteSliceToString(u.Release[:]) + " " + unix.ByteSliceToString(u.Machine[:])
	}
	return m
}

// text is what a file of /proc or /sys says.
func (m machine) text(path string) (string, error) {
	b, err := fs.ReadFile(m.files, strings.TrimPrefix(path, "/"))
	return strings.TrimSpace(string(b)), err
}

// number is the number a file holds. "max" is the largest one.
func (m machine) number(path string) (uint64, error) {
	s, err := m.text(path)
	if err != nil {
		return 0, err
	}
	if s == "max" {
		return unix.RLIM_INFINITY, nil
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s: %q is not a number", path, s)
	}
	return n, nil
}

// field is what follows "name:" in a file such as /proc/self/status.
func (m machine) field(path, name string) (string, error) {
	text, err := m.text(path)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value), nil
		}
	}
	return "", fmt.Errorf("%s: no %s", path, name)
}
