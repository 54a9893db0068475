package main

import (
	"os"
	"strconv"
)

// own gives a file or directory that was just made to the user who invoked the
// program through sudo(8), so that results are not root's. Elsewhere it does
// nothing. That it can fail harms nobody: root can still read it.
func own(f *os.File) {
	if os.Geteuid() != 0 {
		return
	}
	uid, err1 := strconv.Atoi(os.Getenv("SUDO_UID"))
	gid, err2 := strconv.Atoi(os.Getenv("SUDO_GID"))
	if err1 == nil && err2 == nil {
		_ = f.Chown(uid, gid)
	}
}
