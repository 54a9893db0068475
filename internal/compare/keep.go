package compare

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"switchyard/internal/report"

	"golang.org/x/sys/unix"
)

// A Keeper holds the open files of --out. They are made before the work, and
// before root gives up its capabilities: without them it could not write to a
// directory of the user who invoked sudo(8), nor come to one below a home that
// is closed to others, and a minute's work would end in "permission denied".
type Keeper struct{ files []keptFile }

type keptFile struct {
	file  *os.File
	write func(*os.File, *report.Compare) error
}

// NewKeeper makes the files in a directory, readable only by the user who asked for them, to whom
// own gives them.
func NewKeeper(dir string, own func(*os.File)) (_ *Keeper, err error) {
	k := &Keeper{}
	defer func() {
		if err != nil {
			k.Discard()
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

// Keep writes the result in every form: where one fails, the others are tried.
func (k *Keeper) Keep(c *report.Compare) error {
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

// Discard removes the files when there is nothing to keep.
func (k *Keeper) Discard() {
	for _, f := range k.files {
		f.file.Close()
		os.Remove(f.file.Name())
	}
}
