package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"switchyard/internal/report"

	"golang.org/x/sys/unix"
)

// A keeper holds the open files of --out. They are made before the work, and
// before root gives up its capabilities: without them it could not write to a
// directory of the user who invoked sudo(8), nor come to one below a home that
// is closed to others, and a minute's work would end in "permission denied".
type keeper struct{ files []keptFile }

type keptFile struct {
	file  *os.File
	write func(*os.File, *report.Compare) error
}

// newKeeper makes the directory, where it is not there, and the files in it,
// readable only by the user who asked for them.
func newKeeper(dir string) (_ *keeper, err error) {
	if err := makeDirectory(dir); err != nil {
		return nil, err
	}
	k := &keeper{}
	defer func() {
		if err != nil {
			k.discard()
		}
	}()
	for _, form := range []struct {
		name  string
		write func(*os.File, *report.Compare) error
	}{
		{"compare.json", func(f *os.File, c *report.Compare) error { return c.WriteJSON(f) }},
		{"compare.csv", func(f *os.File, c *report.Compare) error { return c.WriteCSV(f) }},
		{"report.md", func(f *os.File, c *report.Compare) error { return c.WriteMarkdown(f) }},
		{"report.txt", func(f *os.File, c *report.Compare) error { return c.WriteText(f, 120) }},
	} {
		f, err := os.OpenFile(filepath.Join(dir, form.name), os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, err
		}
		own(f)
		k.files = append(k.files, keptFile{f, form.write})
	}
	return k, nil
}

// makeDirectory makes a directory and those above it that are not there. Only
// what it makes is given to the user: what was there keeps its owner.
func makeDirectory(dir string) error {
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
		if err := makeDirectory(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
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

// keep writes the result in every form: where one fails, the others are tried.
func (k *keeper) keep(c *report.Compare) error {
	var errs []error
	for _, f := range k.files {
		err := f.write(f.file, c)
		if e := f.file.Close(); err == nil {
			err = e
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("keep the result in %s: %w", f.file.Name(), err))
		}
	}
	return errors.Join(errs...)
}

// discard removes the files when there is nothing to keep.
func (k *keeper) discard() {
	for _, f := range k.files {
		f.file.Close()
		os.Remove(f.file.Name())
	}
}
