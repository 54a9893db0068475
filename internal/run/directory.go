package run

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// MakeDirectory makes a directory and those above it that are not there, for its owner alone. What
// it makes is given to own, which may give it to the user it is for; nil keeps the process's own.
// What was there keeps its owner.
func MakeDirectory(dir string, own func(*os.File)) error {
	dir = filepath.Clean(dir)
	switch info, err := os.Stat(dir); {
	case err == nil && !info.IsDir():
		return &fs.PathError{Op: "mkdir", Path: dir, Err: unix.ENOTDIR}
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if parent := filepath.Dir(dir); parent != dir {
		if err := MakeDirectory(parent, own); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil || own == nil {
		return err
	}
	f, err := os.OpenFile(dir, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	own(f)
	return nil
}
