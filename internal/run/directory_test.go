package run

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// What cannot be a directory is said before the work and not after it.
func TestMakeDirectoryRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below")} {
		if err := MakeDirectory(dir, nil); !errors.Is(err, unix.ENOTDIR) {
			t.Errorf("%s: %v, want ENOTDIR", dir, err)
		}
	}
}

// Only what is made is given away.
func TestMakeDirectoryGives(t *testing.T) {
	home := t.TempDir()
	var given []string
	own := func(f *os.File) { given = append(given, f.Name()) }
	below := filepath.Join(home, "new", "below")
	for range 2 { // the second time it is there
		if err := MakeDirectory(below+"/", own); err != nil {
			t.Fatal(err)
		}
	}
	if len(given) != 2 || given[0] != filepath.Dir(below) || given[1] != below {
		t.Errorf("given away: %q", given)
	}
}
