package sys_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"switchyard/internal/sys"
)

// A FIFO is refused at once, by whatever way it is come to: open(2) would wait for whoever writes
// to it.
func TestOpenNeverWaits(t *testing.T) {
	dir := t.TempDir()
	fifo, link := filepath.Join(dir, "fifo"), filepath.Join(dir, "link")
	if err := errors.Join(unix.Mkfifo(fifo, 0o600), os.Symlink("fifo", link)); err != nil {
		t.Fatal(err)
	}
	root, err := sys.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for _, path := range []string{fifo, link} {
		if _, err := sys.OpenRegular(path); !errors.Is(err, sys.ErrNotRegular) {
			t.Errorf("%s: %v", path, err)
		}
		if _, err := sys.OpenRegularIn(root, filepath.Base(path)); !errors.Is(err,
			sys.ErrNotRegular) {
			t.Errorf("%s in its directory: %v", path, err)
		}
		if _, err := sys.OpenRoot(path); !errors.Is(err, unix.ENOTDIR) {
			t.Errorf("%s as a directory: %v", path, err)
		}
	}
	if _, err := sys.OpenRegular("/dev/null"); !errors.Is(err, sys.ErrNotRegular) {
		t.Errorf("/dev/null: %v", err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := sys.OpenRegular(file)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}
