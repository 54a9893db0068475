package compare

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"switchyard/internal/report"
)

// nobody gives a file to nobody.
func nobody(*os.File) {}

// Files that are there are not written over, and that is said before the work.
func TestKeeperRefuses(t *testing.T) {
	taken := t.TempDir()
	if err := os.WriteFile(filepath.Join(taken, "report.txt"), []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewKeeper(taken, nobody); !errors.Is(err, os.ErrExist) {
		t.Errorf("a file of that name is there: %v, want ErrExist", err)
	}
	left, err := os.ReadDir(taken)
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if old, err := os.ReadFile(filepath.Join(taken, "report.txt")); err != nil || string(old) != "old" {
		t.Errorf("the file that was there holds %q, %v", old, err)
	}
}

// A file that cannot be written does not take the others with it.
func TestKeeperFull(t *testing.T) {
	dir := t.TempDir()
	k, err := NewKeeper(dir, nobody)
	if err != nil {
		t.Fatal(err)
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	k.files[0].file.Close()
	k.files[0].file = full
	err = k.Keep(&report.Compare{Schema: report.CompareSchema})
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v, want ENOSPC", err)
	}
	for _, name := range []string{"compare.csv", "report.md", "report.txt"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}
