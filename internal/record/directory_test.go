package record

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"switchyard/internal/run"
	"switchyard/internal/sys"
)

// What the tables could not be written to is refused before anything is captured, and nothing is
// left behind.
func TestCreateRefuses(t *testing.T) {
	for _, c := range []struct {
		what string
		make func(dir string) error
		word string
	}{
		{"a link", func(dir string) error {
			return errors.Join(os.Mkdir(dir+".real", 0o700), os.Symlink(dir+".real", dir))
		}, "symbolic link"},
		{"a dangling link", func(dir string) error {
			return os.Symlink(dir+".real", dir)
		}, dangling},
		{"a file", func(dir string) error { return os.WriteFile(dir, nil, 0o600) }, "not a directory"},
		{"a FIFO", func(dir string) error { return unix.Mkfifo(dir, 0o600) }, "not a directory"},
		{"a run", func(dir string) error {
			return errors.Join(os.Mkdir(dir, 0o700),
				os.WriteFile(filepath.Join(dir, "tasks.parquet"), nil, 0o600))
		}, "choose another"},
		{"a spool", func(dir string) error {
			return errors.Join(os.Mkdir(dir, 0o700),
				os.WriteFile(filepath.Join(dir, SpoolName), nil, 0o600))
		}, "switchyard recover"},
		{"no parent", func(string) error { return nil }, "no such file"},
	} {
		parent := t.TempDir()
		dir := filepath.Join(parent, "run")
		if c.what == "no parent" {
			dir = filepath.Join(parent, "none", "run")
		}
		if err := c.make(dir); err != nil {
			t.Fatal(err)
		}
		before := names(t, parent)
		d, err := Create(dir, nil)
		if err == nil {
			d.Close()
			t.Errorf("%s is accepted", c.what)
		} else if !strings.Contains(err.Error(), c.word) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want something about %q", c.what, err, c.word)
		}
		if after := names(t, parent); after != before {
			t.Errorf("%s: there was %s and is %s", c.what, before, after)
		}
	}
}

const dangling = "no such file"

func names(t *testing.T, dir string) string {
	t.Helper()
	var all []string
	if err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		all = append(all, path)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

// Both what Create makes are the invoking user's, before there is anything in them.
func TestCreateOwned(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	var given []string
	d, err := Create(dir, func(f *os.File) {
		info, err := f.Stat()
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v", f.Name(), info.Mode(), err)
		}
		given = append(given, info.Name())
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(given) != 2 || given[1] != SpoolName {
		t.Errorf("given away: %v, want the directory and the spool", given)
	}
	d.Discard()
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("discarded, and there: %v", err)
	}
}

// A directory that was there stays, and what another put at its path is not written to.
func TestCreateStays(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "run")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	d, err := Create(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Rename(dir, dir+".moved"), os.Symlink(parent, dir)); err != nil {
		t.Fatal(err)
	}
	w, err := run.CreateIn(d.root, d.path, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	d.Discard()
	if left := names(t, parent); left != strings.Join([]string{parent, dir, dir + ".moved"}, " ") {
		t.Errorf("there is %s", left)
	}
}

// A FIFO in the place of a spool is refused at once.
func TestOpenFIFO(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mkfifo(filepath.Join(dir, SpoolName), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, nil); !errors.Is(err, sys.ErrNotRegular) {
		t.Error(err)
	}
	if _, err := Open(filepath.Join(dir, SpoolName), nil); err == nil {
		t.Error("a FIFO is a directory")
	}
}

// A spool that is still being written is left alone until its writer is gone.
func TestOpenBusy(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	d, err := Create(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, nil); err == nil || !strings.Contains(err.Error(), "still being made") {
		t.Errorf("opened meanwhile: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if d, err = Open(dir, nil); err != nil {
		t.Fatal(err)
	}
	d.Close()
}
